//! Takes secrets out of text.
/// Knows the secrets of an environment.
pub struct Redactor;
impl Redactor {
    /// x
    pub fn from_env(_v: std::env::VarsOs) -> Self {
        Self
    }
    /// x
    pub fn redact(&self, text: &str) -> String {
        text.to_owned()
    }
}
