//! Points in time, and where they come from: a clock that is handed in, so that tests need not wait.

use std::fmt;
use std::time::SystemTime;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Serialize, Serializer};

/// Microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Time(pub i64);

impl Time {
    /// Whole seconds since 1970; 0 before that.
    pub fn unix_seconds(self) -> u64 {
        u64::try_from(self.0 / 1_000_000).unwrap_or(0)
    }

    /// Reads RFC 3339, like `2027-01-01T00:00:00Z`, or a date alone, which is its first moment in UTC.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let whole = if text.len() == "2027-01-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
        whole.parse::<jiff::Timestamp>().ok().map(|timestamp| Self(timestamp.as_microsecond()))
    }

    /// RFC 3339 in UTC with six digits of fraction, as the API shows times: `2014-01-01T05:20:00.123456Z`.
    pub fn to_rfc3339(self) -> String {
        // Out of jiff's range (the year 9999) only if the clock is: the epoch then says "unknown" to every reader.
        let timestamp = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{timestamp:.6}")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Time;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_six_digits_of_fraction() {
        assert_eq!(Time(1_388_553_600_123_456).to_string(), "2014-01-01T05:20:00.123456Z");
        for text in ["2014-01-01T05:20:00Z", "2014-01-01T06:20:00+01:00"] {
            assert_eq!(Time::from_rfc3339(text), Some(Time(1_388_553_600_000_000)), "{text}");
        }
        assert_eq!(Time::from_rfc3339("2014-01-01"), Some(Time(1_388_534_400_000_000)));
        for text in ["", "tomorrow", "2014-13-01", "2014-01-01T05:20:00"] {
            assert_eq!(Time::from_rfc3339(text), None, "{text}");
        }
        assert_eq!(Time(1_388_553_600_000_000).to_string(), "2014-01-01T05:20:00.000000Z");
    }
}
