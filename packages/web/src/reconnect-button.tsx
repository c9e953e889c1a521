/** Where a connection has failed: a new one now, rather than when the next try is due. */
export function ReconnectButton({ name, onReconnect }: { name: string; onReconnect: () => void }) {
  return (
    <button type="button" class="button small reconnect" data-testid="reconnect" onClick={onReconnect}>
      Try again<span class="hidden"> to reach {name}</span>
    </button>
  )
}
