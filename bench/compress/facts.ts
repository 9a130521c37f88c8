import { Random } from '../../emulator/simulate/random.ts';

/** A fact to plant: a name, what it is, and the question that asks for it. */
export interface PlantedFact {
  readonly name: string;
  readonly value: string;
  readonly question: string;
  /** Its own wordings; without them the common ones. */
  readonly forms?: Forms;
}

type Form = (name: string, value: string) => string;
export type Forms = Readonly<Record<Exclude<Phrasing, 'json'>, readonly Form[]>>;

/** How a fact is put into words. `passing` names the value before the thing, in a clause about something else. */
export const PHRASINGS = ['colon', 'copula', 'passing', 'json'] as const;
export type Phrasing = (typeof PHRASINGS)[number];

const OWNERS = list(
  'Lisbon office, Tanaka account, night shift, loading dock, pilot group, Bergen warehouse, second floor, Okoye family, spring campaign, harbour clinic, archive team, Delgado estate',
);
const THINGS = list(
  'locker combination, warranty reference, vendor contact, parking permit, retention period, badge colour, pickup window, discount voucher, latency budget, backup region, preferred tea, licence plate, customs broker, audit date, spare key holder, wifi password, meeting room, emergency hotline, fallback hostname, allergy note, sponsor, mooring fee, grace period, visa category, courier, print run, insurer, shelf mark, quorum, thermostat setting, dress code, mascot, router model, paint shade, curfew, reading group, ferry berth, deposit, interpreter, alarm phrase',
);
const HAN_OWNERS = list(
  '里斯本办公室, 田中客户, 夜班, 装卸码头, 试点小组, 卑尔根仓库, 二楼, 孙家, 春季活动, 港口诊所, 档案组, 研发中心',
);
const HAN_THINGS = list(
  '储物柜密码, 保修编号, 供应商联系人, 停车证号, 保留期限, 胸牌颜色, 取件时段, 折扣券码, 延迟上限, 备份区域, 常备茶叶, 车牌号, 报关代理, 审计日期, 备用钥匙保管人, 无线网口令, 会议地点, 应急热线, 备用主机名, 过敏记录, 赞助商, 泊位费, 宽限期, 签证类别, 快递员, 印数, 承保公司, 书架号, 法定人数, 空调温度, 着装要求, 吉祥物, 路由器型号, 墙漆色号, 门禁时间, 读书会, 渡轮泊位, 押金, 口译员, 报警暗语',
);

const LATIN_VALUES: readonly ((random: Random) => string)[] = [
  (random) => `${letters(random, 2)}-${1000 + random.below(9000)}-${letters(random, 2)}`,
  (random) => `${3 + random.below(95)} days`,
  (random) =>
    `${random.pick(['Marta', 'Ravi', 'Ingrid', 'Tomasz', 'Yuki'])} ${random.pick(['Kowalski', 'Iyer', 'Solheim', 'Okafor', 'Laurent'])}`,
  (random) =>
    `${random.pick(['pale', 'dark', 'burnt', 'dusty'])} ${random.pick(['amber', 'teal', 'crimson', 'ochre'])}`,
  (random) => `${1 + random.below(28)} ${random.pick(['March', 'June', 'October'])} ${2027 + random.below(9)}`,
  (random) => `${letters(random, 3).toLowerCase()}-${random.below(90)}.internal.example`,
];
const HAN_VALUES: readonly ((random: Random) => string)[] = [
  (random) => `${letters(random, 2)}-${1000 + random.below(9000)}`,
  (random) => `${random.pick(['十', '二十', '四十', '九十'])}${random.pick(['一', '三', '六', '八'])}天`,
  (random) =>
    `${random.pick(['顾', '裴', '褚', '闵', '邱'])}${random.pick(['长', '若', '思', '景'])}${random.pick(['川', '宁', '澄', '帆'])}`,
  (random) => random.pick(['靛青色', '赭石色', '鸦黑色', '藕荷色', '松绿色']),
  (random) => `${random.pick(['三', '六', '十'])}月${random.pick(['初九', '十四', '廿二'])}`,
];

export function latinFacts(count: number, seed: number): PlantedFact[] {
  return facts(
    count,
    seed,
    THINGS,
    OWNERS,
    LATIN_VALUES,
    (thing, owner) => `${thing} of the ${owner}`,
    (name) => `What is the ${name}?`,
  );
}

export function hanFacts(count: number, seed: number): PlantedFact[] {
  return facts(
    count,
    seed,
    HAN_THINGS,
    HAN_OWNERS,
    HAN_VALUES,
    (thing, owner) => `${owner}的${thing}`,
    (name) => `${name}是什么？`,
  );
}

/** A whole sentence or line that tells the fact; for `json` a member, to be put into a JSON text. */
export function phrase({ name, value, forms }: PlantedFact, phrasing: Phrasing, random: Random): string {
  if (phrasing === 'json') return `"${name.replaceAll(' ', '_')}": "${value}"`;
  const han = /\p{Script=Han}/u.test(name);
  return random.pick((forms ?? (han ? HAN_FORMS : LATIN_FORMS))[phrasing])(name, value);
}

const LATIN_FORMS: Forms = {
  colon: [(name, value) => `${capital(name)}: ${value}`, (name, value) => `${name} = ${value}`],
  copula: [
    (name, value) => `The ${name} is ${value}.`,
    (name, value) => `I checked, and the ${name} is ${value} for now.`,
    (name, value) => `So the ${name} is now ${value}, in case anybody asks.`,
  ],
  passing: [
    (name, value) => `Someone had scribbled ${value} on the card as the ${name}.`,
    (name, value) => `They gave me ${value} when I called about the ${name} yesterday.`,
    (name, value) => `We went with ${value} for the ${name} after a long talk.`,
    (name, value) => `My sister still has ${value} written down for the ${name}.`,
    (name, value) => `On the form I put ${value} under the ${name}, like last year.`,
    (name, value) => `It says ${value} next to the ${name} in the old binder.`,
  ],
};
const HAN_FORMS: Forms = {
  colon: [(name, value) => `${name}：${value}。`, (name, value) => `${name}:${value}`],
  copula: [
    (name, value) => `${name}是${value}。`,
    (name, value) => `后来得知${name}为${value}。`,
    (name, value) => `查过了，${name}是${value}，暂且如此。`,
  ],
  passing: [
    (name, value) => `众人说起${name}，有人记得写的是${value}。`,
    (name, value) => `昨日问到${name}，那边答了${value}，便不再提。`,
    (name, value) => `商量许久，${name}最后用了${value}。`,
    (name, value) => `表上${name}一栏填着${value}，与去年一样。`,
    (name, value) => `旧册子里，${name}旁边写着${value}。`,
    (name, value) => `我姐姐还留着${value}，说那就定作${name}罢。`,
  ],
};

function facts(
  count: number,
  seed: number,
  things: readonly string[],
  owners: readonly string[],
  values: readonly ((random: Random) => string)[],
  join: (thing: string, owner: string) => string,
  ask: (name: string) => string,
): PlantedFact[] {
  const random = new Random(seed);
  const names = random.shuffled(things.flatMap((thing) => owners.map((owner) => join(thing, owner)))).slice(0, count);
  return names.map((name) => ({ name, value: random.pick(values)(random), question: ask(name) }));
}

function letters(random: Random, count: number): string {
  return Array.from({ length: count }, () => String.fromCharCode(65 + random.below(26))).join('');
}

function list(items: string): string[] {
  return items.split(', ');
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
