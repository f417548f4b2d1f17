//! The memory store keeps the contract of stores.

#![cfg(feature = "store-contract")]

use fuseboard::store::{MemoryStore, contract};

#[test]
fn the_memory_store_keeps_the_contract() {
    contract::check(|| Box::new(MemoryStore::new()));
}
