//! The SQLite store, from outside: its contract, time, history, faults, crowds and crashes.

mod contract;
mod crashes;
mod crowds;
mod damage;
mod gates;
mod group;
mod history;
mod home;
mod places;
mod room;
mod spool;
mod time;
