import { Popover } from "./popover.tsx"
import type { Grade, Quality } from "./quality.ts"

const TITLES: Readonly<Record<Grade, string>> = {
  good: "Good connection",
  fair: "Fair connection",
  poor: "Poor connection",
  lost: "Connection lost",
}

/** Three bars, and behind them the reasons. */
export function QualityMark({ name, quality }: { name: string; quality: Quality }) {
  const { grade, reasons, facts } = quality
  const title = TITLES[grade]
  return (
    <Popover
      label={`${title} to ${name}${reasons.length > 0 ? `: ${reasons[0]}` : ""}`}
      class={`quality-mark ${grade}`}
      testid="quality"
      face={<Bars />}
    >
      {() => (
        <div class="quality-box">
          <p class="quality-title">
            <strong>{title}</strong> to <bdi>{name}</bdi>
          </p>
          {reasons.length > 0 ? (
            <ul>
              {reasons.map(reason => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          ) : (
            <p class="help">Sound and picture arrive as they should.</p>
          )}
          <dl class="figures">
            {facts.map(([what, value]) => (
              <div key={what}>
                <dt>{what}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </Popover>
  )
}

const Bars = () => (
  <svg class="bars" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
    <rect x="0.5" y="8" width="2.6" height="4" rx="0.8" />
    <rect x="4.7" y="4.5" width="2.6" height="7.5" rx="0.8" />
    <rect x="8.9" y="1" width="2.6" height="11" rx="0.8" />
  </svg>
)
