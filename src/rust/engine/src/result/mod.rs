//! Results as nested values: what R receives.

pub mod assemble;
pub mod value;
mod warnings;

pub use value::Value;
