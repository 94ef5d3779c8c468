//! Tests and examinations of a machine, over a link of their own.
//!
//! What lives here: how a test goes from stage to stage ([`test`]) and tells of
//! it ([`progress`]), the machine that it has reached ([`ground`]), and the
//! gathering for an examination ([`doctor`]). What may not: what is made of what
//! was gathered; that is `domain::doctor`'s.

pub(super) mod doctor;
mod ground;
mod progress;
pub(super) mod test;
