"""The league's official injury report, a PDF: read into typed rows, whole or not at all."""
