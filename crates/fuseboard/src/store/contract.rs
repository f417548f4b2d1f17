//! The contract of stores, as a suite.
