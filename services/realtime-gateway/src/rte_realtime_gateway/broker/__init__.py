"""NATS: the only folder that speaks it. It brings what is committed and what the peers say, and tells the peers."""
