"""Sheets of Excel and LibreOffice files."""
