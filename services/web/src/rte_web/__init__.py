"""The built web client, served to browsers: its files, and one page for every path that the client itself routes.

main      the app
client    the files as they are served: index.html with its configuration, compressed variants, cache headers
policy    what the page may load, and from where
settings  which Clerk, which Storage, which folder
"""
