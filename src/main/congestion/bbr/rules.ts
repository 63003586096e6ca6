/** Where BBRv2 (the alpha, google/bbr v2alpha) and BBRv3 (draft-ietf-ccwg-bbr-06) differ in more than a number. */
export interface BbrRules {
  /** The full-pipe estimator watches max_bw (v2) or the sample of the round (v3, §5.3.1.2). */
  readonly plateauOf: 'max_bw' | 'sample';
  /** ProbeBW_UP ends on a queue of its pacing gain × BDP (v2) or when the estimator says full (v3, §5.3.3.7). */
  readonly upEndsOn: 'queue' | 'plateau';
  /** Drain compares with the BDP at max_bw (v2) or at bw (v3), and gives up after so many round trips (v3, §5.3.2). */
  readonly drainsAt: 'max_bw' | 'bw';
  readonly drainRounds: number;
  /** Entering Drain forgets the loss and the delivery of the round (v2). */
  readonly drainResetsSignals: boolean;
  /** Excess loss bounds inflight_longterm in Startup by what was delivered, too (v3, §5.3.1.3). */
  readonly startupKeepsDelivered: boolean;
  /** The loss rate seen by an ACK ends a probe (v2), or only that seen by a lost packet (v3, §5.5.10.2). */
  readonly tooHighOnAck: boolean;
  /** What was acknowledged while inflight_longterm was not the limit does not count towards raising it (v2). */
  readonly forfeitsUnusedCredit: boolean;
  /** Entering CRUISE holds inflight_shortterm to inflight_longterm (v2). */
  readonly cruiseBoundsShortterm: boolean;
  /** TargetInflight has the budgets of §5.6.4.2 in it (v2), or is the bare BDP (v3, §5.3.3.8). */
  readonly targetHasBudgets: boolean;
  /** An RTT equal to the minimum postpones ProbeRTT (v2), or only a lower one (v3, §5.3.4.3). */
  readonly equalRttRefreshes: boolean;
  /** Window gain in ProbeRTT: 1 (v2), or ProbeRTTCwndGain (v3). Either way the window is held to the latter. */
  readonly probeRttCwndGain: 1 | null;
  /** extra_acked over two slots of ExtraAckedFilterLen rounds (v2), or over so many of one (v3, §5.5.9). */
  readonly extraAckedTwoSlots: boolean;
  /** extra_acked counts for no more than this long at bw. */
  readonly extraAckedMaxUs: number;
  /** Before the pipe is full the window grows freely up to twice the initial one (v2), or until that is delivered (v3). */
  readonly growsFreely: 'to-twice-initial' | 'until-initial-delivered';
  /** Quanta in the offload budget: 3 (v2, as TCP), 1 (v3, §5.5.8.2). */
  readonly offloadQuanta: number;
  /** A collapse of the window lets the full-pipe estimator begin anew (v2). */
  readonly collapseRestartsFullPipe: boolean;
  /** A spurious loss undoes the state transition it caused (v3, §5.5.11.2). */
  readonly undoesTransition: boolean;
}
