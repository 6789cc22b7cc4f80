//! Fields that are accepted and not read, with their place, so that whoever plays an object can say so.

use serde::de::IgnoredAny;

use crate::span::Spanned;

/// A field that is accepted and not read.
pub type Unread = Option<Spanned<IgnoredAny>>;
