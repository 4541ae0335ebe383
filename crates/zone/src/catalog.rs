//! placeholder
pub struct Catalog;
pub struct View;
