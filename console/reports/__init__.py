"""Results as files: pages for a browser and tables for spreadsheets."""
