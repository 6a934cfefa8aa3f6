//! What every front end asks of a collection, apart from how it is typed and shown: no terminal, no
//! command line, no settings.

pub mod show;
pub mod source;
