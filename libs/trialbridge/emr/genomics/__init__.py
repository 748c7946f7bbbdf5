"""Variant files of laboratories, VCF and MAF, to the variant resources of the Genomics Reporting guide."""
