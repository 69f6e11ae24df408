"""The agenda: appointments on pages."""
