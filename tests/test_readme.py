"""The commands of README's "Run it" do what it says, typed as they are printed."""

import json
import re
import textwrap

from rte_devstack.folder import REPOSITORY
from rte_devstack.stack import Stack
from rte_testkit.terminal import output, typed

SECTION = re.search(r"^## Run it\n(.*?)^## ", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


def test_the_first_commands_publish_and_another_terminal_shows_it(stack: Stack) -> None:
    assert SECTION
    up, watch, publish, *others = [textwrap.dedent(block).strip() for block in BLOCK.findall(SECTION[1])]
    assert up == "make up"  # the fixture has done it
    assert others == ["make test", "RTE_PORT=8180 RTE_STACK_DIR=.devstack2 make up"]
    variables = {"RTE_PORT": str(stack.port), "RTE_STACK_DIR": str(stack.folder.path)}
    here = publish.replace("8080", str(stack.port))

    with typed(watch, variables) as second_terminal:
        second_terminal.shows("watching Kestrel Harbour as Maria Silva")
        published, listed = json.JSONDecoder().raw_decode(answers := output(here, variables))[0], answers
        line = second_terminal.shows("David Okafor is on:")
        second_terminal.interrupt()
    again = output(here, variables)

    assert published["title"] in line
    assert listed.count(published["id"]) == 2
    assert "/problems/active-expectation-exists" in again
    assert not [line for line in second_terminal.lines if "Error" in line or "Traceback" in line]
