/**
 * Facts that users of the long dialogue tell in passing, beside the 24 that came with it: read out of it by hand, each with the message
 * that says it and the words that must stand together.
 */
const FACTS = `
  6: route + 10 minutes
  14: podcasts + getting ready
  16: Tim Ferriss
  48: card + $5 + Main Street
  63: 220 + Short History of Nearly Everything
  88: 3 of Emma's
  94: skillet + cousin + garage sale
  98: bibimbap + Thursday
  102: Tom + Alex + Mike's Marina
  104: Shimano Stradic
  115: Tuesdays + Thursdays + Saturdays
  118: four times a week
  145: 30 videos + Corey
  176: 15 Crash Course
  180: Rachel Lee + CEO + StartupX + TechConnect
  182: lawyer + Chamber of Commerce
  196: Syria + war
  200: Queens
  236: mom + winning streak
  236: every Sunday + six weeks
  238: Azul + three times + won twice
  273: Zara + 25th + $40
  291: exfoliate + Thanksgiving
  318: 1,000 + followers + two weeks
  322: Sundays + Mondays
  338: Adobe Premiere Pro
  348: guide + Rachel + dinosaur
  352: Impressionist Masterpieces + City Art Museum + March 12th
  367: whole wheat baguette + Saturday
  371: cookies + Thursday
  375: sourdough + Tuesday + dense
  392: winding down + 9:30
  408: scented candle + $20
  414: tray + $12
  418: Our Planet + Free Solo
  445: commute + 40 minutes
  468: sculpting classes + three months
  468: @claycreations
  485: 10 pairs
  495: Roscioli + 7:00
  546: slippers + mom
  558: Japanese co-workers
  590: Sarah + knee + proposed
  601: Bites + three weeks ago
  614: Costa Rica + 7 shirts + 5 pairs
  657: silver necklace + grandma + 18th
  659: floor mats + 2015 + Toyota Camry
  661: 1,400 miles
  661: 28 miles per gallon
  669: 2007 + Honda + CBR600RR
  688: signed poster + 500 copies
  711: Japanese cooking classes + April
  734: 12 courses + Coursera
  742: Rachel + second child + Lucas
  744: Ava + 7lbs 11oz
  748: Ethan + China
`;

export function readFacts(): { at: number; words: string[] }[] {
  return FACTS.trim()
    .split('\n')
    .map((line) => {
      const [, at = '', words = ''] = /^\s*(\d+): (.+)$/.exec(line) ?? [];
      return { at: Number(at), words: words.split(' + ') };
    });
}
