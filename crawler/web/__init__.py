"""The pages in which people look at links and judge them; `app.create_app` makes them."""
