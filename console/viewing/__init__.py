"""Messages to look at: as they were sent, as they would be, any template for anyone, and proofs of them."""
