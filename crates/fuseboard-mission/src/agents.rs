//! What agents print, as one normal form.
