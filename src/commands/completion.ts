import { ExitCode } from '../base/errors.ts'
import { choice } from '../options/kinds.ts'
import { option } from '../options/spec.ts'
import { defineCommand } from './command.ts'

/** Asks netlab for the words that may follow; `main` answers, because the command tree is there. */
const scripts = {
  bash: `_netlab_complete() {
  local IFS=$'\\n'
  COMPREPLY=($(netlab --get-yargs-completions "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _netlab_complete netlab
`,
  zsh: `#compdef netlab
_netlab() {
  local -a words_found typed
  typed=("\${(@)words[2,$CURRENT]}")
  # As bash does: three words of --log-to=file, of which the last is completed.
  if [[ $words[CURRENT] == --*=* ]]; then
    typed=("\${(@)words[2,CURRENT-1]}" "\${words[CURRENT]%%=*}" '=' "\${words[CURRENT]#*=}")
    compset -P '*='
  fi
  words_found=("\${(@f)$(SHELL=zsh netlab --get-yargs-completions "\${(@)typed}" 2>/dev/null)}")
  if [[ -n $words_found ]]; then
    _describe netlab words_found
  else
    _default
  fi
}
# Sourced, it is told about the command; found in $fpath, it is the function itself.
if [[ $funcstack[1] == _netlab ]]; then
  _netlab "$@"
else
  compdef _netlab netlab
fi
`,
}

/** `netlab completion bash`: a script for the shell to read. */
export const completion = defineCommand({
  name: 'completion',
  summary: 'print the script that completes netlab commands in a shell',
  positionals: [{ name: 'shell' }],
  options: {
    shell: option<'bash' | 'zsh'>({ kind: choice('bash', 'zsh'), summary: 'the shell that reads it', default: 'bash' }),
  },
  examples: [
    ['source <(netlab completion bash)', 'complete in this bash'],
    ['source <(netlab completion zsh)', 'complete in this zsh'],
  ],
  async run({ shell }, { stdout }) {
    stdout.write(scripts[shell])
    return ExitCode.ok
  },
})
