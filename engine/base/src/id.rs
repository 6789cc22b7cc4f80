//! Dense ids: a newtype over `u32` that indexes a vector.

/// Declares dense ids.
///
/// ```
/// meshsim_base::id! {
///     /// A proxy.
///     pub ProxyId
/// }
/// assert_eq!(ProxyId::new(3).index(), 3);
/// ```
#[macro_export]
macro_rules! id {
    ($($(#[$doc:meta])* $vis:vis $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(u32);

        impl $name {
            /// The id of the thing at `index`.
            ///
            /// # Panics
            /// If `index` exceeds `u32::MAX`.
            #[inline]
            $vis fn new(index: usize) -> Self {
                Self(u32::try_from(index).expect("fewer than 2^32 things of a kind"))
            }

            /// The position in the vector of such things.
            #[inline]
            $vis const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}
