//! The agent's own work: its login, its provider, its conversation.

use super::entry::group;

group! {
    /// Codes of an agent that ran, told by what its program prints for programs
    /// and by its status; never by what a model wrote.
    Agent {
        NotLoggedIn = "agent.not-logged-in", Run, Final,
            "nobody has logged in to the agent there",
            "The agent's program has no login and no key on the machine where it runs. Logins are kept on each machine; a key can come from the configuration's env instead.",
            Type("{login}\n# or give it a key from here: env of the agent or of {place}, such as FromEnv(\"ANTHROPIC_API_KEY\"), in\nlonghaul config path");
        KeyInvalid = "agent.key-invalid", Run, Final,
            "the provider refuses the agent's key or login",
            "The key or the login that the agent has there is wrong, was withdrawn, has expired, or may not do this.",
            Type("{login}\n# a key comes from env of the agent or of {place} in the configuration, else from the machine itself:\nlonghaul config path");
        RateLimited = "agent.rate-limited", Run, Final,
            "the provider's rate limit is reached",
            "Too many requests or tokens in too short a time, or the usage that a subscription allows for some hours. It passes by itself; the conversation can be gone on with then.",
            Type("longhaul inspect {session}\n# once it has passed:\nlonghaul run --agent {agent} --resume {conversation} --prompt 'go on'");
        Overloaded = "agent.overloaded", Run, Final,
            "the provider is overloaded",
            "The provider has more to do than it can, or fails inside. The agent has tried again by itself before it gave up.",
            Type("longhaul run --agent {agent} --resume {conversation} --prompt 'go on'");
        NoCredit = "agent.no-credit", Run, Final,
            "the account's credit or quota is used up",
            "The provider bills by use, and nothing is left, or the account may spend no more.",
            Type("# add credit with the provider, then\nlonghaul run --agent {agent} --resume {conversation} --prompt 'go on'");
        ContextTooLong = "agent.context-too-long", Run, Final,
            "the conversation is longer than the model can take",
            "What was said, read and printed so far, with the prompt, is more than the model's context window. A new conversation begins empty.",
            Type("longhaul logs {session}\n# begin a new conversation with what matters of it:\nlonghaul run --agent {agent} --prompt 'go on with …'");
        NoConversation = "agent.no-conversation", Run, Final,
            "there is no such conversation to go on from",
            "Agents keep their conversations on the machine, and most of them for the directory, in which they were held. This one is not there: it ran elsewhere, or was removed.",
            Type("# the same remote and directory are needed:\nlonghaul ps -a\nlonghaul run --agent {agent} --prompt 'go on with …'");
        Denied = "agent.permission-denied", Run, Final,
            "the agent's own rules forbid what it needed to do",
            "An agent asks before it does what may do harm. Nobody is there to say yes, so it is refused. What it may do without asking is up to its own settings over there, and to permissions of the agent in the configuration.",
            Type("longhaul logs {session}\n# permissions of the agent: Mode(\"…\") is one of the program's own modes, Skip asks for nothing\nlonghaul config path");
        ModelUnknown = "agent.model-unknown", Run, Final,
            "there is no such model",
            "The provider does not know the model, or the account may not use it. Without --model and model in the configuration, the agent takes its own.",
            Type("longhaul inspect {session}\nlonghaul run --agent {agent} --model MODEL --prompt TEXT");
        Unreachable = "agent.provider-unreachable", Run, Final,
            "the agent could not reach its provider",
            "The line between the machine where the agent runs and its provider broke, or there is none. This is not the link to that machine, which is longhaul's and is mended by itself.",
            Type("{there env | grep -i proxy}\nlonghaul run --agent {agent} --resume {conversation} --prompt 'go on'");
        Limit = "agent.limit", Run, Final,
            "the agent reached a limit that it was given",
            "A limit of the agent's own, such as a number of turns or a sum of money, ended the turn.",
            Type("longhaul run --agent {agent} --resume {conversation} --prompt 'go on'");
        Crashed = "agent.crashed", Run, Final,
            "the agent ended without a result",
            "The agent's program had begun, and ended before it said whether the work is done. Its last words are in its output.",
            Type("longhaul logs --stderr {session}\nlonghaul run --agent {agent} --resume {conversation} --prompt 'go on'");
        Failed = "agent.failed", Run, Final,
            "the agent says that it failed",
            "The agent's program reports an error that has no name here; its own words are the evidence.",
            Type("longhaul logs {session}\nlonghaul logs --stderr {session}");
    }
}
