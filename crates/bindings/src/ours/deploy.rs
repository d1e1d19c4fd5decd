//! What the interfaces do not tell: constructors and administration, called when a network is set up.
