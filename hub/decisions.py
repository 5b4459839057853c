"""When what people decide shows, in the words of whoever tells them."""

# The sensor of a running hub looks every ten seconds, and a run without sources takes half a minute.
WHEN = "with the next run: within about a minute where the hub is up, else when it runs again"
