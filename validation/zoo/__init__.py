"""Where models come from: the catalogue, and archives fetched, verified and unpacked.

Start at `catalogue.load_catalogue`, `catalogue.Catalogue.select` and `archives.obtain`.
"""
