//! Results as nested values: what R receives.

pub mod assemble;
pub mod value;

pub use value::Value;
