/** Rules in the same words about different things, as people set them one by one over a long piece of work. */
interface Crossing {
  /** Each with a `*` where the thing goes. */
  readonly frames: readonly string[];
  readonly things: readonly string[];
}

/** Every frame meets every thing, so that no word of a rule is its own. */
const CROSSINGS: Readonly<Record<string, Crossing>> = {
  English: {
    frames: ['Leave * alone.', 'Never rename * again.', 'Ask me before you open *.', 'Keep * out of the report.'],
    things: ['the lockfile', 'the changelog', 'the invoices', 'the sandbox'],
  },
  German: {
    frames: [
      'Lass * in Ruhe.',
      'Benenne * nie wieder um.',
      'Frag mich, bevor du * öffnest.',
      'Halte * aus dem Bericht.',
    ],
    things: ['die Sperrdatei', 'die Chronik', 'die Rechnungen', 'die Sandkiste'],
  },
  Russian: {
    frames: [
      'Не трогай *.',
      'Никогда не переименовывай *.',
      'Спроси меня, прежде чем открыть *.',
      'Не включай * в отчёт.',
    ],
    things: ['файл блокировки', 'журнал правок', 'счета', 'песочницу'],
  },
  French: {
    frames: [
      'Laisse * tranquille.',
      'Ne renomme plus jamais *.',
      'Demande-moi avant d’ouvrir *.',
      'Garde * hors du rapport.',
    ],
    things: ['le verrou', 'le journal', 'la facture', 'le bac à sable'],
  },
  Spanish: {
    frames: ['Deja en paz *.', 'Nunca renombres *.', 'Pregúntame antes de abrir *.', 'Mantén * fuera del informe.'],
    things: ['el cerrojo', 'la bitácora', 'las facturas', 'el arenero'],
  },
  Portuguese: {
    frames: [
      'Deixa * em paz.',
      'Nunca mais renomeies *.',
      'Pergunta-me antes de abrires *.',
      'Mantém * fora do relatório.',
    ],
    things: ['o trinco', 'o diário', 'as faturas', 'a caixa de areia'],
  },
  Chinese: {
    frames: ['别碰*。', '以后不要再给*改名。', '打开*之前先问我。', '报告里别写*。'],
    things: ['锁文件', '更新日志', '发票', '沙盒'],
  },
  Japanese: {
    frames: [
      '*には触らないで。',
      '*の名前は二度と変えないこと。',
      '*を開く前に私に聞いて。',
      '*は報告書に載せないで。',
    ],
    things: ['ロックファイル', '変更履歴', '請求書', '砂場'],
  },
  Korean: {
    frames: [
      '*는 건드리지 마세요.',
      '*의 이름을 다시는 바꾸지 마세요.',
      '*를 열기 전에 나에게 물어보세요.',
      '*는 보고서에서 빼 주세요.',
    ],
    things: ['잠금장치', '변경 일지', '청구서', '모래 상자'],
  },
};

/** One frame a language, and things that are spoken of nowhere else. */
const REPEATED: Readonly<Record<string, Crossing>> = {
  English: {
    frames: ['Please do not touch * without asking.'],
    things:
      'the router,the billing job,docs/intro.md,the login page,the seeds,the old parser,the mail queue,port 8443'.split(
        ',',
      ),
  },
  German: {
    frames: ['Bitte fass * nicht ohne Rückfrage an.'],
    things:
      'den Router,den Abrechnungslauf,docs/start.md,die Anmeldeseite,die Startdaten,den alten Parser,die Postschlange,Port 9443'.split(
        ',',
      ),
  },
  Russian: {
    frames: ['Без спроса * лучше не трогать.'],
    things:
      'маршрутизатор,расчёт счетов,docs/about.md,страницу входа,начальные данные,старый разборщик,очередь писем,порт 7443'.split(
        ',',
      ),
  },
  French: {
    frames: ['Ne touche pas à * sans demander.'],
    things:
      'ce routeur,cette tâche de facturation,docs/accueil.md,cette page de connexion,ces graines,cet ancien analyseur,cette file de courrier,ce port 6443'.split(
        ',',
      ),
  },
  Spanish: {
    frames: ['No toques * sin preguntar.'],
    things:
      'el enrutador,el cobro mensual,docs/inicio.md,la página de acceso,las semillas,el analizador viejo,la cola de correo,el puerto 5443'.split(
        ',',
      ),
  },
  Portuguese: {
    frames: ['Não mexas em * sem perguntar.'],
    things:
      'nenhum roteador,nenhuma cobrança,docs/entrada.md,nenhuma página de acesso,nenhuma semente,nenhum analisador antigo,nenhuma fila de correio,nenhuma porta 4443'.split(
        ',',
      ),
  },
  Chinese: {
    frames: ['没问过我不要动*。'],
    things: '路由器,计费任务,docs/guide.md,登录页面,初始数据,旧解析器,邮件队列,端口三四四三'.split(','),
  },
  Japanese: {
    frames: ['確認なしに*をいじらないで。'],
    things: 'ルーター,課金ジョブ,docs/top.md,ログイン画面,初期データ,古い構文解析器,メールの待ち行列,ポート2443'.split(
      ',',
    ),
  },
  Korean: {
    frames: ['묻지 않고 * 손대지 마세요.'],
    things: '라우터,정산 작업,docs/home.md,로그인 화면,초기 자료,예전 구문 분석기,우편 대기열,포트 1443'.split(','),
  },
};

const crossed = (all: Readonly<Record<string, Crossing>>): string[] =>
  Object.values(all).flatMap(({ frames, things }) =>
    frames.flatMap((frame) => things.map((thing) => frame.replace('*', thing))),
  );

/** 144 rules: four frames with four things in nine languages. */
export const CROSSED_RULES: readonly string[] = crossed(CROSSINGS);
/** 72 rules: a frame with eight things in nine languages. */
export const REPEATED_RULES: readonly string[] = crossed(REPEATED);
