//! The given names of nameservers: two lists without a name in common, so that a pair is told apart by either half.
//!
//! The order is part of the contract of a first start: the names get their addresses in it.

/// How many names a list has.
const LENGTH: usize = 60;

/// The first of a pair.
#[rustfmt::skip]
pub(super) const FIRST_LIST: [&str; LENGTH] = [
    "ada", "alba", "alma", "anna", "asta", "beth", "bea", "bree", "cara", "carla", "clara", "cleo", "cora", "dana",
    "daisy", "dora", "edna", "ella", "elma", "elsa", "emma", "erin", "esme", "etta", "eva", "fay", "fern", "flora",
    "freya", "gail", "gina", "greta", "hana", "hazel", "heidi", "hilda", "ida", "ines", "iris", "isla", "ivy", "jade",
    "jana", "joan", "jill", "kaia", "kate", "kira", "lara", "lena", "lily", "lisa", "lola", "mara", "maya", "mina",
    "mona", "nell", "nina", "nora",
];

/// The second of a pair.
#[rustfmt::skip]
pub(super) const SECOND_LIST: [&str; LENGTH] = [
    "abel", "adam", "alan", "aldo", "amir", "arne", "axel", "basil", "ben", "bert", "bill", "boris", "bram", "carl",
    "cliff", "cole", "cyril", "dale", "dan", "dean", "dirk", "earl", "eddy", "eli", "emil", "eric", "ezra", "fred",
    "felix", "finn", "frank", "gary", "gene", "glen", "gus", "hank", "hans", "hugo", "ian", "igor", "ivan", "jack",
    "jan", "jim", "joel", "john", "jon", "jules", "karl", "kip", "kurt", "lars", "leo", "liam", "lou", "luke", "mark",
    "max", "miles", "neil",
];
