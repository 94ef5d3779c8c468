//! The dependency rule between modules and the size of files, held.
//!
//! Every file below `src` is read, and every path in it is looked at, with
//! groups in `use` taken apart; comments and strings are not. Code under
//! `#[cfg(test)]` is free: it may bring together what the program keeps apart.

#[cfg(test)]
mod rule;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tests;
