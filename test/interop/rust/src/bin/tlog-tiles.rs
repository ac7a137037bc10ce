//! Cloudflare's tlog_tiles as a reader of a log's folder: it authenticates the tiles against the checkpoint, and every
//! entry against the tiles. It verifies no signatures.
//!
//! ```text
//! tlog-tiles FOLDER
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::{env, process};

use flate2::read::GzDecoder;
use tlog_tiles::{
    record_hash, stored_hash_index, Checkpoint, Error as TileError, HashReader, Tile,
    TileHashReader, TileReader,
};

const HEIGHT: u8 = 8;
const WIDTH: u64 = 1 << HEIGHT;

fn main() {
    let folder = PathBuf::from(env::args().nth(1).expect("a folder"));
    match authenticate(&folder) {
        Ok(size) => println!("authenticated {size} entries"),
        Err(refusal) => {
            eprintln!("{refusal}");
            process::exit(1);
        }
    }
}

fn authenticate(folder: &Path) -> Result<u64, Box<dyn Error>> {
    let note = fs::read(folder.join("checkpoint"))?;
    let checkpoint =
        Checkpoint::from_reader(&mut Cursor::new(note), false).map_err(|e| e.to_string())?;
    let size = checkpoint.size();
    let tiles = Tiles(folder);
    let hashes = TileHashReader::new(size, *checkpoint.hash(), &tiles);
    for first in (0..size).step_by(WIDTH as usize) {
        let width = WIDTH.min(size - first);
        let indexes: Vec<u64> = (first..first + width)
            .map(|index| stored_hash_index(0, index))
            .collect();
        let expected = hashes.read_hashes(&indexes)?;
        for (entry, hash) in read_bundle(folder, first / WIDTH, width)?
            .iter()
            .zip(expected)
        {
            if record_hash(entry) != hash {
                return Err("an entry is not the one in the tree".into());
            }
        }
    }
    Ok(size)
}

/// The tiles in a folder, by their paths in c2sp.org/tlog-tiles, which have no height.
struct Tiles<'a>(&'a Path);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, TileError> {
        tiles
            .iter()
            .map(|tile| {
                let path = tile.path().replacen("tile/8/", "tile/", 1);
                fs::read(self.0.join(path))
                    .map_err(|error| TileError::InvalidInput(error.to_string()))
            })
            .collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// The entries of a bundle: each after its length, in two bytes.
fn read_bundle(folder: &Path, index: u64, width: u64) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let tile = Tile::new(HEIGHT, 0, index, u32::try_from(width)?, false);
    let path = tile.path().replacen("tile/8/0/", "tile/entries/", 1);
    let mut bundle = GzDecoder::new(File::open(folder.join(path))?);
    let mut entries = Vec::new();
    for _ in 0..width {
        let mut length = [0; 2];
        bundle.read_exact(&mut length)?;
        let mut entry = vec![0; usize::from(u16::from_be_bytes(length))];
        bundle.read_exact(&mut entry)?;
        entries.push(entry);
    }
    Ok(entries)
}
