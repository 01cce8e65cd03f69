"""What pages are made of: tiles, tables, charts, banners and forms."""
