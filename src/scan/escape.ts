const short: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' }

/**
 * What a peer sent, as printable ASCII that no terminal obeys: `\t`, `\n`, `\r`, `\\`, and `\xNN` for any other byte that
 * is not printable. Every byte can be told from the text.
 */
export function escapeBytes(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const printable = byte >= 0x20 && byte < 0x7f && byte !== 0x5c
    text += printable ? String.fromCharCode(byte) : (short[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`)
  }
  return text
}
