//! Slots that are used again: what lives in one is told from what lived there before by a generation.

/// A vector of slots. A slot number is stable while its value lives.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    live: bool,
    value: T,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Puts a value into a free slot.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> (u32, u32) {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.live = true;
            slot.value = value;
            return (index, slot.generation);
        }
        let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 at a time");
        self.slots.push(Slot {
            generation: 0,
            live: true,
            value,
        });
        (index, 0)
    }

    /// Frees a slot.
    #[inline]
    pub(crate) fn remove(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        assert!(slot.live, "a slot is freed once");
        slot.live = false;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
    }

    /// Whether the slot still holds the value of this generation.
    #[inline]
    pub(crate) fn holds(&self, index: u32, generation: u32) -> bool {
        self.slots
            .get(index as usize)
            .is_some_and(|slot| slot.live && slot.generation == generation)
    }

    pub(crate) fn is_live(&self, index: u32) -> bool {
        self.slots.get(index as usize).is_some_and(|slot| slot.live)
    }

    /// The generation of the value in a slot.
    #[inline]
    pub(crate) fn generation(&self, index: u32) -> u32 {
        self.slots[index as usize].generation
    }

    /// Values in slots, in the order of the slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let slots = (0_u32..).zip(&self.slots);
        slots
            .filter(|(_, slot)| slot.live)
            .map(|(index, slot)| (index, &slot.value))
    }

    /// Values in slots, to be changed, in the order of the slots.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let live = self.slots.iter_mut().filter(|slot| slot.live);
        live.map(|slot| &mut slot.value)
    }

    /// How many slots are taken.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;
    #[inline]
    fn index(&self, index: u32) -> &T {
        &self.slots[index as usize].value
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut T {
        &mut self.slots[index as usize].value
    }
}

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;
