"""Everything around the product: images, compose files and the test bed."""
