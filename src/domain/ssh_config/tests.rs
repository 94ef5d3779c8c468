//! The whole, in a world of maps.
