// English words to search for.
const WORDS = `apple anchor autumn bakery bicycle bridge candle castle cloud coffee coral dance desert dragon eagle echo
engine feather ferry forest garden glacier guitar harbour hammer honey island ivory jacket journey kettle kitchen ladder
lantern lemon library marble meadow mirror mountain needle north ocean orange orchard paper pebble pepper planet quarry
rabbit railway river saddle sailor shadow silver summer table thunder ticket tiger travel tunnel umbrella valley velvet
village violin walnut water weather whale window winter wonder yellow`.split(/\s+/);

export const randomWord = () => WORDS[Math.floor(Math.random() * WORDS.length)];
