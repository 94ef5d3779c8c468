//! One session's life (written next).
