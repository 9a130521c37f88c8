import { Random } from '../../emulator/simulate/random.ts';
import type { Forms, PlantedFact } from './facts.ts';

/** Facts in words that no weight of the engine was chosen on: of other things, told otherwise. */
export function otherFacts(count: number, seed: number): PlantedFact[] {
  const random = new Random(seed);
  const latin = random
    .shuffled(PEOPLE.flatMap((person) => MATTERS.map((matter) => `${person}'s ${matter}`)))
    .map((name) => ({
      name,
      value: random.pick(VALUES)(random),
      question: `What is ${name}?`,
      forms: FORMS,
    }));
  const han = random
    .shuffled(HAN_PEOPLE.flatMap((person) => HAN_MATTERS.map((matter) => `${person}的${matter}`)))
    .map((name) => ({
      name,
      value: random.pick(HAN_VALUES)(random),
      question: `${name}是多少？`,
      forms: HAN_FORMS,
    }));
  const facts: PlantedFact[] = [];
  for (let at = 0; at < latin.length && at < han.length; at++) {
    const [one, other] = [latin[at], han[at]];
    if (one && other) facts.push(one, other);
  }
  return facts.slice(0, count);
}

const words = (text: string): string[] => text.split(', ');

const PEOPLE = words('Noor, Bram, Aunt Celia, Professor Lindqvist, the caretaker, Ezra, the twins, Dr. Mbeki');
const MATTERS = words(
  'shoe size, blood type, gate code, favourite dessert, studio address, bus line, kennel number, ring tone, thesis topic, hat size, desk phone, safe word, train seat, cello teacher, pottery day, cabin name, bike lock code, old nickname, flu jab date, choir part, garden plot, chess rating, tent colour, boat name',
);
const HAN_PEOPLE = words('小林, 老周, 二姨, 陈教授, 门房, 阿敏, 双胞胎, 何大夫');
const HAN_MATTERS = words(
  '鞋码, 血型, 门牌号, 座位号, 分机号, 病历号, 车厢号, 学号, 房卡号, 工号, 琴房号, 票号, 柜号, 床位号, 会员号, 楼栋号, 档口号, 球衣号, 宿舍号, 菜地号, 准考证号, 合同号, 船票号, 取货号',
);
const VALUES: readonly ((random: Random) => string)[] = [
  (random) => `+44 20 ${1000 + random.below(9000)} ${1000 + random.below(9000)}`,
  (random) => `$${100 + random.below(900)}.${10 + random.below(90)}`,
  (random) => random.pick(words('lemon tart, goulash, quince jelly, walnut brittle, plum dumplings, rye bread')),
  (random) => `${random.pick(words('Tallinn, Oaxaca, Bruges, Sapporo'))} ${10 + random.below(89)}`,
  (random) =>
    `${random.pick(words('quiet, humble, frozen, velvet'))} ${random.pick(words('otter, lantern, meadow, comet'))}`,
  (random) => `${random.pick(words('ana, jo, kim'))}${random.below(99)}@${random.pick(words('mail, post'))}.test`,
];
const HAN_VALUES: readonly ((random: Random) => string)[] = [
  (random) => String(10_000 + random.below(90_000)),
  (random) => `${random.pick(['甲', '乙', '丙', '丁'])}${random.pick(['三', '七', '九'])}号`,
  (random) => `${random.pick(['东', '西', '南', '北'])}区${random.below(90) + 10}`,
  (random) => random.pick(['桂花糕', '青团子', '藤椒鱼', '荷叶饭', '梅子酒']),
];
const FORMS: Forms = {
  colon: [(name, value) => `${name} - ${value}`, (name, value) => `Note: ${name}: ${value}`],
  copula: [
    (name, value) => `By the way, ${name} is ${value}.`,
    (name, value) => `As far as I know ${name} was ${value} all along.`,
  ],
  passing: [
    (name, value) => `When I asked about ${name}, the answer was simply ${value}.`,
    (name, value) => `Oh, and please jot down ${value} for ${name} before I forget.`,
    (name, value) => `We used to joke about ${name}, which somehow ended up as ${value}.`,
  ],
};
const HAN_FORMS: Forms = {
  colon: [(name, value) => `备注：${name}：${value}。`, (name, value) => `${name}——${value}。`],
  copula: [(name, value) => `顺便说一句，${name}是${value}。`, (name, value) => `据我所知，${name}一直是${value}。`],
  passing: [
    (name, value) => `刚才问起${name}，回答就是${value}。`,
    (name, value) => `对了，${name}请记成${value}，免得我忘了。`,
  ],
};
