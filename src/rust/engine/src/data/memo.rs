//! What follows from the data alone, kept from one rule of integration to the next.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

type Entry = Arc<dyn Any + Send + Sync>;

/// One value of a type for each key.
#[derive(Default)]
pub struct Memo(Mutex<HashMap<(TypeId, Vec<usize>), Entry>>);

impl Memo {
    /// The value kept under `key`, which `make` works out the first time. Others wait meanwhile: `make` must not hand
    /// work to other threads.
    pub fn get<T: Any + Send + Sync>(&self, key: Vec<usize>, make: impl FnOnce() -> T) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (TypeId::of::<T>(), key);
        if let Some(found) = kept.get(&place).and_then(|e| e.clone().downcast::<T>().ok()) {
            return found;
        }
        let made = Arc::new(make());
        kept.insert(place, made.clone());
        made
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_made_once_for_each_type_and_key() {
        let memo = Memo::default();
        assert_eq!(*memo.get(vec![1], || 5usize), 5);
        assert_eq!(*memo.get(vec![1], || 6usize), 5);
        assert_eq!(*memo.get(vec![1, 2], || 7usize), 7);
        assert_eq!(*memo.get(vec![1], || 8.5f64), 8.5);
    }
}
