import type { ChatMessage } from '../../contract/messages.ts';
import { contentText } from '../../contract/messages.ts';
import type { Random } from '../../emulator/simulate/random.ts';
import { CROSSED_RULES, REPEATED_RULES } from './crossed-rules.ts';

/** Rules as people set them while they speak of other things, in nine languages. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  English: [
    'Leave the lockfile alone.',
    'Never push to the release branch.',
    'Keep every answer under forty words.',
    'Use tabs, not spaces, in the Makefile.',
    'Ask me before you delete anything.',
    'All amounts stay in Swiss francs.',
  ],
  German: [
    'Lass die Lockfile in Ruhe.',
    'Ändere niemals die Tabelle der Kunden.',
    'Antworte bitte nur in ganzen Sätzen.',
    'Vor jedem Löschen fragst du mich.',
    'Die Tests dürfen kein Netz benutzen.',
    'Alle Beträge bleiben in Franken.',
  ],
  Russian: [
    'Не трогай файл блокировки.',
    'Никогда не пиши в ветку релиза.',
    'Отвечай только полными предложениями.',
    'Перед удалением всегда спрашивай меня.',
    'Тесты не должны ходить в сеть.',
    'Все суммы оставляй в рублях.',
  ],
  French: [
    'Laisse le fichier de verrouillage tranquille.',
    'Ne pousse jamais sur la branche stable.',
    'Réponds uniquement par des phrases complètes.',
    'Demande-moi avant de supprimer quoi que ce soit.',
    'Les tests ne doivent pas utiliser le réseau.',
    'Garde tous les montants en euros.',
  ],
  Spanish: [
    'Deja en paz el archivo de bloqueo.',
    'Nunca escribas en la rama estable.',
    'Responde solo con frases completas.',
    'Pregúntame antes de borrar cualquier cosa.',
    'Las pruebas no deben usar la red.',
    'Mantén todos los importes en pesos.',
  ],
  Portuguese: [
    'Deixa o ficheiro de bloqueio em paz.',
    'Nunca escrevas no ramo estável.',
    'Responde apenas com frases completas.',
    'Pergunta-me antes de apagar seja o que for.',
    'Os testes não devem usar a rede.',
    'Mantém todos os valores em reais.',
  ],
  Chinese: [
    '别碰那个锁文件。',
    '绝对不要推送到发布分支。',
    '回答只用完整的句子。',
    '删除之前先问我。',
    '测试不得访问网络。',
    '所有金额都用人民币表示。',
  ],
  Japanese: [
    'ロックファイルには触らないでください。',
    'リリースブランチには絶対にプッシュしないこと。',
    '返事は必ず丁寧語で書いてください。',
    '何かを消す前に私に聞いてください。',
    'テストでネットワークを使ってはいけません。',
    '金額はすべて円で書くこと。',
  ],
  Korean: [
    '잠금 파일은 건드리지 마세요.',
    '릴리스 브랜치에는 절대 푸시하지 마세요.',
    '답은 반드시 완전한 문장으로 써 주세요.',
    '무엇이든 지우기 전에 나에게 물어보세요.',
    '테스트에서 네트워크를 사용하면 안 됩니다.',
    '모든 금액은 원화로 적어 주세요.',
  ],
};

/** Rules in words that were written after the engine's were chosen. */
const OTHER_RULES: Readonly<Record<string, readonly string[]>> = {
  English: [
    'Hands off the migrations folder.',
    'Stick to the old date format throughout.',
    'No emojis in commit messages.',
    'Run the linter first, every time.',
  ],
  German: [
    'Finger weg vom Ordner mit den Migrationen.',
    'Bleib beim alten Datumsformat.',
    'Erst den Linter laufen lassen.',
    'Im Protokoll stehen keine Namen von Kunden.',
  ],
  Russian: [
    'Папку с миграциями оставь в покое.',
    'Держись старого формата дат.',
    'Сначала запускай линтер.',
    'Имена клиентов в журнал не попадают.',
  ],
  French: [
    'Pas touche au dossier des migrations.',
    'Reste sur l’ancien format de date.',
    'Lance d’abord le linter.',
    'Aucun nom de client dans les journaux.',
  ],
  Spanish: [
    'Las manos fuera de la carpeta de migraciones.',
    'Sigue con el formato de fecha antiguo.',
    'Primero ejecuta el linter.',
    'Ningún nombre de cliente en los registros.',
  ],
  Portuguese: [
    'Tira as mãos da pasta das migrações.',
    'Fica com o formato de data antigo.',
    'Corre primeiro o linter.',
    'Nenhum nome de cliente nos registos.',
  ],
  Chinese: ['迁移目录先别管。', '日期沿用旧格式。', '先跑一遍检查再提交。', '日志里别出现客户姓名。'],
  Japanese: [
    'マイグレーションのフォルダはそのままで。',
    '日付は古い形式のままにしておいて。',
    'まずリンターを走らせてから。',
    'ログに顧客の名前は残さない。',
  ],
  Korean: [
    '마이그레이션 폴더는 그대로 두세요.',
    '날짜는 예전 형식을 유지해 주세요.',
    '먼저 린터부터 돌리고 시작하세요.',
    '로그에 고객 이름은 남기지 마세요.',
  ],
};

export const RULE_SETS = {
  'rules that the engine was tried on': Object.values(RULES).flat(),
  'rules in words that it was not': Object.values(OTHER_RULES).flat(),
  'rules in the same words about different things': CROSSED_RULES,
  'rules in one frame about things of their own': REPEATED_RULES,
} as const;

/** Splices every rule into a message of a user: within its text, on a line of its own, or as a message of its own. */
export function spliceRules(
  window: readonly ChatMessage[],
  set: readonly string[],
  random: Random,
): { messages: ChatMessage[]; rules: string[] } {
  const rules = random.shuffled(set);
  const messages: ChatMessage[] = [];
  const users = window.flatMap(({ role, content }, at) =>
    role === 'user' && contentText(content).length < 2_000 ? [at] : [],
  );
  const wanted = new Map<number, string[]>();
  for (const [number, rule] of rules.entries()) {
    const at = users[Math.floor(((number + random.next()) / rules.length) * users.length)] ?? 0;
    wanted.set(at, [...(wanted.get(at) ?? []), rule]);
  }
  for (const [at, message] of window.entries()) {
    let text = contentText(message.content);
    const own: ChatMessage[] = [];
    for (const rule of wanted.get(at) ?? []) {
      const how = random.below(3);
      if (how === 0) text = random.below(2) === 0 ? `${rule} ${text}` : `${text} ${rule}`;
      else if (how === 1) text = random.below(2) === 0 ? `${rule}\n${text}` : `${text}\n${rule}`;
      else own.push({ role: 'user', content: rule });
    }
    messages.push(wanted.has(at) ? { ...message, content: text } : message, ...own);
  }
  return { messages, rules };
}
