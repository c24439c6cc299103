"""Every task of the DSG paper on the embedded models, judged by networks that guidance never sees."""
