"""The web page in a real browser: Chromium, without a screen."""
