//! The ledger in the SQLite store, from outside.

mod bounds;
mod crowds;
mod damage;
mod home;
mod interrupted;
mod retention;
mod runs;
mod usage;
