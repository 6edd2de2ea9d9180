/**
 * Every quantity that tunes the pacing, by algorithm, with its unit and its reason. Names end in their unit: Ms, Rate (probes a
 * second), Share and Chance (0 to 1), Factor; what has no such ending is a count. test/scan/pacing fails when one of them changes
 * noticeably.
 */
export const pacingLimits = {
  /** How the rate of sending moves: `rate-control.ts`. */
  rate: {
    /** Before anything is known: every access line and home router carries so much for the moment until answers come. */
    initialRate: 1_000,
    /** Never slower: below it a scan of one host takes hours, and no path is that narrow. */
    minRate: 50,
    /** The same while ports were never tried and only refusals go missing; and how much above it counts as that. */
    firstPassRate: 400,
    leastRateSlack: 1.2,
    /** While no port is known to answer, loss cannot be seen: fast enough for a scan, slow enough for any access line. */
    unobservedMaxRate: 5_000,
    /** Far above what a processor sends. */
    maxRate: 200_000,
    /** Growth after an interval without loss. TCP's slow start doubles; a scan has no ACK clock to stop it in time. */
    growthFactor: 1.5,
    /** Of the expected answers, what must have come for the rate to grow: the loss tolerated plus noise. */
    growthMinDeliveredShare: 0.9,
    /** Of the rate asked for, what must really have been sent for its success to mean anything. */
    growthMinSentShare: 0.5,
    /** Expected answers from which on their share means something. */
    minExpected: 8,
    /** A rate that was kept up for so long is no burst that a limiter lets through. */
    sustainedMs: 1_000,
    /** The rate after our own system ran short of descriptors, memory or local ports (multiplicative decrease, as TCP's). */
    shortageFactor: 0.7,
    /** The deepest cut at once: an outage looks like a limit of nothing, and passes. */
    maxCutFactor: 0.25,
    /** Each time that hosts came back, of the rate before: a queue that was too much for them fills again, an outage doesn't. */
    restartFactor: 0.5,
    /** Of what a queue serves, what is sent while it drains: the kernel may send each SYN twice, and it must become shorter. */
    drainFactor: 0.3,
    /** Burst of the token bucket: what a timer that comes late may make up for, and as many probes more at low rates. */
    burstMs: 20,
    burstProbes: 4,
  },
  /** When answers count as missing: `LossSample`. */
  loss: {
    /** Of the expected answers, what may be missing before the rate suffers. TCP halves its rate at far less; a scan asks again anyway. */
    tolerableShare: 0.125,
    /** Standard deviations that are missing before it is not chance (1 in 700 intervals). */
    significantDeviations: 3,
  },
  /** Loss that does not depend on the rate: `RandomLoss`. */
  randomLoss: {
    /** More than this lost at random is no path that a scan could use. */
    maxShare: 0.6,
    /** More than this is not believed after one experiment, as a limit that is taken for random loss is costly. */
    doubtfulShare: 0.15,
    /** The second experiment's rate, as a share of the first one's: lower still, the loss must be the same. */
    secondExperimentFactor: 0.4,
    /** Up to this multiple of the rate at which loss was seen to be random, no second experiment is made. */
    provenRateFactor: 1.2,
    /** Reference probes of which a missing eighth is noticed; fewer teach nothing. */
    minProbes: 30,
    /** Reference probes that weigh as much as all earlier ones: the memory of the average. */
    memoryProbes: 100,
    /** Reference probes sent below a limit, after which what goes missing there is not the limit's doing. */
    belowLimitProbes: 60,
  },
  /** Is it loss at all, or a host that holds back refusals? `LossHypothesis`. */
  hypothesis: {
    /** Expected answers to reference probes that decide. */
    minExpected: 16,
    /** Intervals after which it is decided by what there is. */
    maxIntervals: 12,
    /** Reference probes of each kind that make a host's open and refusing ports comparable… */
    minCompared: 6,
    /** …and while a limit is known, which may explain the difference as well. */
    minComparedAtLimit: 12,
    /** Of a host's open reference ports, what must answer before its refusals are called limited. */
    openMinShare: 0.85,
    /** From this share on, open ports may yet turn out to differ from refusing ones: more are awaited. */
    openMayDifferShare: 0.8,
    /** Standard deviations between the two shares. */
    significantDeviations: 3,
  },
  /** Is it a rate limit or random loss? `RateExperiment`. */
  experiment: {
    /** Expected answers to reference probes before anything is concluded. */
    minExpected: 8,
    /** Reference probes after which the likelier explanation is believed. */
    maxProbes: 80,
    /** Standard deviations between what both explanations predict, before they can be told apart. */
    significantDeviations: 4,
    /** At or below this share of answers nothing gets through: an outage, or a limit far below. */
    nothingShare: 0.05,
    /** Expected answers after which that is certain. */
    nothingMinExpected: 20,
    /** Down to this rate a limit may be the reason; below it, it is an outage, which is waited out. */
    outageRate: 150,
    /** From this share of answers on, an interval belongs to a path that works. */
    recoveredShare: 0.9,
    /** Before a recovery at most this share was answered: what comes while an outage begins or ends. */
    beforeRecoveryMaxShare: 0.2,
    /** Above this share of answers at the lower rate the loss is gone: a limit was found. */
    limitMinShare: 0.9,
    /** Of the answers that were missed before, what may come late before the path is called slower instead of lossy. */
    lateShare: 0.5,
  },
  /** A rate limit of the path or of a host: `rate-limit.ts`. */
  limit: {
    /** How long it is kept to before more is tried, at first; doubled each time it is found again. */
    trustMs: 3_000,
    /** Of the limit, what is sent where only open ports answer: a dropped probe would look like a filtered port. */
    safeFactor: 0.9,
    /** How far above it a scan goes where drops are noticed, lest an answer that could come is not asked for. */
    excessFactor: 1.1,
    /** At this multiple of the limit without loss, it is gone. */
    refutedFactor: 1.5,
    /** Where the limit is doubted the rate grows by this each interval… */
    doubtedGrowthFactor: 1.1,
    /** …and else by this share a second. */
    growthSharePerSecond: 0.3,
    /** Of all probes, what must be expected to be answered by first attempts for drops to be noticed by themselves. */
    denseShare: 0.33,
    /** Below this share of delivered first attempts the limit drops something. */
    passedShare: 0.96,
    /** Expected answers that the average of delivered ones remembers. */
    memoryProbes: 100,
  },
  /** Does a limit still hold? `LimitRecheck`. */
  recheck: {
    /** What is sent, as a multiple of the limit: a limit drops a fifth of it. */
    rateFactor: 1.25,
    /** Reference probes: of so many, a fifth that is dropped is noticed. */
    minProbes: 40,
    /** Reference probes below the limit from which on they tell what is usual. */
    minUsualProbes: 20,
    /** After so long a queue has grown by more than jitter explains. */
    queueMs: 1_000,
  },
  /** Measurement intervals, and when their answers are in: `interval.ts`, `estimator.ts`. */
  interval: {
    /** An interval lasts half a round trip, within these bounds; the longest one at most twice as long. */
    minSpanMs: 5,
    maxSpanMs: 100,
    /** Expected answers after which it need not go on. */
    minExpected: 8,
    /** The first one ends after so many probes, to learn early which share of the ports answers. */
    firstProbes: 24,
    /** No answer is missed earlier: a busy event loop takes as long. It costs no speed, as growth does not wait for it. */
    minWaitMs: 25,
    /** How long the answers of a host are awaited from which none has come yet: further than any place on earth by cable. */
    unknownHostWaitMs: 200,
    /** Early acknowledgement: the rate grows when more than this share of the expected answers has come… */
    earlyShare: 0.93,
    /** …of at least so many expected ones. */
    earlyMinExpected: 4,
    /** Answers, all of them late, that make an interval one of a growing queue. */
    delayedMinAnswers: 4,
    /** Of the excess delay that is unexplained, the share at which an answer counts as late. */
    delayedShare: 1 / 3,
  },
  /** How lossy was the path at a given time? `LossHistory`. */
  history: {
    /** Reference probes that the usual loss of a host is worth against those of the time itself. */
    priorProbes: 4,
    /** Reference probes of all hosts that say enough about a time. */
    minProbes: 8,
    /** Intervals before and after one that still tell how the path was in it. */
    neighbours: 4,
    /** The same of one host: as many of its own, no farther away in time than this. */
    enoughProbes: 16,
    reachMs: 1_000,
    /** The chance that a probe was lost at a time of which nothing at all is known: outages and limits are that frequent. */
    unknownLossShare: 0.15,
    /** The same when the attempt before proved nothing either: an outage that began may go on. */
    unknownAgainShare: 0.5,
    /** Reference probes that an interval is worth in which first attempts were answered: it was no outage, more is not known. */
    heardProbes: 0.1,
    /** Spans of time kept of a host; beyond that, neighbours become one. */
    maxSpans: 128,
  },
  /** A queue that fills on the way: `queueing-delay.ts`. */
  queue: {
    /** Answers whose least delay is taken for the queue's, and how long they must have taken to come. */
    windowAnswers: 16,
    windowMs: 40,
    /** Of the excess that gave it away, what is left when the queue is taken for gone. */
    drainedShare: 0.3,
    /** At `rate.drainFactor` of what is served, a queue loses two thirds of the passing time; by less than this share it is none. */
    minDrainShare: 0.1,
    /** How long it is watched before that is decided. */
    watchMs: 400,
    /** After so long it is not waited for when nothing tells of it any more. */
    maxDrainMs: 8_000,
    /** Less than this is no delay worth acting on: a busy machine and a WLAN make as much. */
    minExcessMs: 150,
    /** Nor less than this share of the round trip: that all of a window were delayed so much by jitter is one chance in 65,000. */
    jitterShare: 0.5,
  },
  /** What is known of one host: `host-state.ts`. */
  host: {
    /** Reference ports kept of each kind: enough that one that stops listening is outvoted. */
    referencePorts: 8,
    /** So many are kept however often they miss. */
    minReferencePorts: 2,
    /** Misses in a row after which a reference port is dropped while others answer. */
    maxMisses: 5,
    /** From this share of answers on, the others answer. */
    othersAnswerShare: 0.7,
    /** From this share of answers on, a host's first attempts measure the path as well as reference probes do. */
    selfMeasuringShare: 0.8,
    /** First attempts before a host's share of answering ports is known. */
    minFirstAttempts: 8,
    /** Loss of a host of which nothing is known: so much, as if so many attempts had been made. */
    priorLossShare: 0.05,
    priorAttempts: 4,
    /** Attempts after which what was learned earlier begins to count half: paths change. */
    lossMemoryAttempts: 1_000,
  },
  /** Other probes to one reference probe, on average: `reference-probes.ts`. */
  reference: {
    /** While a question is open. */
    perProbesAsking: 5,
    /** In an interval that has none yet, or at a low rate. */
    perProbesUnknown: 8,
    /** While little is known, or a limit is near. */
    perProbesCautious: 20,
    /** Else: 1 % of the traffic. */
    perProbes: 100,
    /** Between two reference probes to a host whose silent ports are tried again, at most. */
    witnessMs: 200,
    /** Below this rate a twentieth would say too little. */
    lowRate: 500,
    /** Expected answers of an interval below which little is known. */
    minExpected: 8,
  },
  /** Ports that were open and then refused: `ContradictoryPorts`. */
  contradiction: {
    /** Hosts of which one such port is kept. */
    maxHosts: 64,
    /** How often they are asked again at the end… */
    rounds: 2,
    /** …after this pause, doubled each time: SYN limits refill within a second. */
    pauseMs: 250,
  },
  /** How long the whole may take: `TimeBudget`. */
  budget: {
    /**
     * So many times what a scan with perfect knowledge of the limits would take: three times is the bound, but a limit that is taken for
     * lower than it is makes that look longer…
     */
    factor: 2,
    /** …and so much more, as limits have to be found out first: ten seconds is the bound, the last attempts' answers included. */
    extraMs: 8_000,
    /** Attempts at a silent port that are accounted for at most: heavier loss is the scan's own doing more often than the path's. */
    maxAttempts: 6,
    /** From this loss on, a host is taken to let through less than it is sent. */
    limitedLossShare: 0.3,
    /** How often that is judged. */
    checkMs: 250,
  },
  /** Hosts that fall silent: `host-liveness.ts`. */
  liveness: {
    /** Reference probes in a row that stay silent… */
    minMisses: 16,
    /** …while for so long nothing at all came from the host: longer than a WLAN roams. */
    outageMs: 3_000,
    /** How long it is waited for: longer than a switch's spanning tree takes (IEEE 802.1D, 2 × 15 s). */
    maxSilenceMs: 40_000,
    /** How often it is asked meanwhile whether it is back. */
    probeIntervalMs: 250,
    /** While all of them are silent nothing else is sent, for so long: the longest queues drain within it. */
    pathDownMs: 16_000,
  },
  /** How long attempts wait: `rtt.ts`. */
  timeout: {
    /** RFC 6298's timeout before the first sample. */
    initialMs: 1_000,
    /** No less than a busy machine's own delays, no more than a person's patience. */
    minMs: 100,
    maxMs: 1_250,
    /** The same for a host that is known to answer later: two satellites, or a queue that is full for seconds. */
    farMaxMs: 3_000,
    /** Later attempts wait so many times as long: the path may have become slower. RFC 6298, 5.5 doubles; a scan asks again anyway. */
    retryFactor: 1.5,
    /** The kernel's first SYN retransmission (RFC 6298: the initial timeout), and how much earlier a coarse timer may make it. */
    synRetransmitMs: 1_000,
    timerSlackMs: 50,
    /** Ambiguous answers in a row that are believed: from a host never heard, and from one that used to answer at once. */
    ambiguousFromUnknown: 3,
    ambiguousFromKnown: 8,
    /** Attempts that may wait longer than they need to, at most: a queue that matters makes itself felt at as many a second. */
    maxUnhurried: 1_000,
    /** The same as a share of the sockets there are. */
    unhurriedShare: 0.25,
    /** Of the time that all others take at the present rate, what is waited: the rate grows. */
    unhurriedFactor: 0.4,
    /** Such a wait ends before the kernel's second SYN, which would double what silent ports cost the path. */
    unhurriedMs: 950,
  },
  /** Shortages of our own system: `ResourceBackOff`. */
  backOff: {
    /** Attempts under way that any system can bear. */
    minCapacity: 4,
    /** Of the attempts under way when one failed for want of resources, what is tried from then on. */
    capacityFactor: 0.9,
    /** What each attempt that could be made adds to it again. */
    capacityGain: 0.005,
    /** The first pause is twice as long as this, the next ones double, up to a maximum. */
    pauseMs: 5,
    maxPauseMs: 250,
    /** How often our own system may fail to make an attempt at one port: from shortage, and otherwise. */
    maxShortages: 20,
    maxFailures: 5,
  },
  /** What a scan keeps, and when it gives a port up: `scheduler.ts`, `probe-queue.ts`. */
  scan: {
    /** The chance of a missed open port below which silence is believed. */
    missChance: 0.005,
    /** A result is complete when fewer open ports than this are expected to be missed in all. */
    completeMissed: 0.01,
    /** Hosts whose evidence is kept for the summary, 200 bytes each. */
    evidenceHosts: 16_384,
    /** Of the rate that the path was seen to bear, what is recommended to settle a doubt. */
    tellingRateFactor: 0.25,
    /** Open ports that a host may have besides those that were found. */
    openAnyway: 0.5,
    /** Open ports that are missed, on average, of a host from which nothing at all is heard: it may be off, or behind a firewall. */
    missedOfUnheard: 0.05,
    /** A host of which nothing is known is watched for so long, by this many of its ports, before its silence is believed. */
    darkMs: 4_000,
    darkMinMs: 1_000,
    darkSample: 16,
    /** The same where at least every other host answers: what is out of reach for a moment is likelier then than nothing at all. */
    darkAmongOthersMs: 10_000,
    /** Meanwhile its other ports are asked again, at this rate a host and for all of them: below most limits on SYNs. */
    darkHostRate: 100,
    darkRate: 1_000,
    /** How long the first of those attempts waits: the host may be far away. */
    darkTimeoutMs: 2_500,
    /** When it is over, all are tried once more, if no more ports than this wait. */
    darkAgain: 1_000,
    darkAttempts: 5,
    /** After an attempt that proves nothing, as so much was lost then, the next one waits longer each time: outages pass. */
    worthlessShare: 0.6,
    worthlessPauseMs: 60,
    worthlessMaxPauseMs: 4_000,
    /** Attempts before silence can be believed at all. */
    minAttempts: 2,
    /** Silent ports looked at in one call, so that the end of a silent scan does not stall the thread. */
    giveUpAtOnce: 512,
    /** Ports and hosts taken up and not finished; each port costs 19 bytes while it waits, each host up to 3 KiB. */
    maxUnresolved: 400_000,
    maxHosts: 4_096,
  },
} as const
