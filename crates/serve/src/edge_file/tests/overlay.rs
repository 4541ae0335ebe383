//! What lies over a file, against a plain buffer.

use redb::StorageBackend;

use super::super::overlay::Overlay;
use super::disk::Directory;
use super::*;

#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let data = prop::collection::vec(any::<u8>(), 0..9000);
    prop_oneof![
        3 => (0u64..20_000, data).prop_map(|(offset, data)| Step::Write(offset, data)),
        1 => (0u64..30_000).prop_map(Step::SetLen),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_the_file_stays(steps in prop::collection::vec(step(), 0..12)) {
        let directory = Directory::new();
        let before: Vec<u8> = (0..10_000u32).map(|at| at as u8 | 1).collect();
        std::fs::write(directory.file(), &before).unwrap();
        let overlay = Overlay::open(&directory.file()).unwrap();
        let mut model = before.clone();
        for step in steps {
            match step {
                Step::Write(offset, data) => {
                    let end = offset as usize + data.len();
                    model.resize(model.len().max(end), 0);
                    model[offset as usize..end].copy_from_slice(&data);
                    overlay.write(offset, &data).unwrap();
                }
                Step::SetLen(length) => {
                    model.resize(length as usize, 0);
                    overlay.set_len(length).unwrap();
                }
            }
            let mut read = vec![0; model.len()];
            overlay.read(0, &mut read).unwrap();
            prop_assert_eq!((overlay.len().unwrap(), &read), (model.len() as u64, &model));
        }
        let mut beyond = vec![0; model.len() + 1];
        prop_assert_eq!(overlay.read(0, &mut beyond).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
        prop_assert_eq!(std::fs::read(directory.file()).unwrap(), before);
    }
}
