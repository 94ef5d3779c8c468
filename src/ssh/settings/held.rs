//! Of every keyword that is done as ssh does it: the test that holds what it does.

use super::standing::{Standing, standing};
use crate::domain::ssh_config::Keyword;

const CONFIG: &str = include_str!("../tests/ssh_config.rs");
const PROXY: &str = include_str!("../tests/proxy.rs");
const LOGIN: &str = include_str!("../tests/login.rs");
const AGENT: &str = include_str!("../tests/agent.rs");
const PEOPLE: &str = include_str!("../tests/people.rs");
const HOST_KEYS: &str = include_str!("../tests/host_keys.rs");
const RULES: &str = include_str!("../tests/host_key_rules.rs");
const ADDRESS: &str = include_str!("../host_key/tests.rs");
const FAULTS: &str = include_str!("../tests/faults.rs");
const TCP: &str = include_str!("../tcp.rs");
const READ: &str = include_str!("tests.rs");
const MAPPED: &str = include_str!("mapping_tests.rs");
const CANONICAL: &str = include_str!("../../domain/ssh_config/canonical.rs");
const CORPUS: &str = include_str!("../../../tests/ssh_config/corpus.rs");

const LOOKED_FOR: &str = "a_name_is_looked_for_in_the_domains_as_far_as_that_is_asked_for";

/// The keyword, where its test is, and what that is called.
const HELD: &[(Keyword, &str, &str)] = {
    use Keyword as K;
    &[
        (K::AddKeysToAgent, CONFIG, "a_key_that_was_unlocked_is_handed_to_the_agent"),
        (K::AddKeysToAgent, PEOPLE, "the_agent_gets_a_key_after_a_yes_where_that_is_asked"),
        (K::AddressFamily, TCP, "only_addresses_of_the_family_count"),
        (
            K::BatchMode,
            CONFIG,
            "a_wrong_passphrase_is_asked_for_as_often_as_is_set_and_no_login_is_tried",
        ),
        (K::BindAddress, CONFIG, "a_connection_comes_from_the_address_that_is_set"),
        (K::BindInterface, CONFIG, "a_connection_comes_from_the_address_that_is_set"),
        (K::CertificateFile, CONFIG, "a_certificate_that_is_named_lets_its_key_in"),
        (K::CheckHostIP, ADDRESS, "the_address_of_a_new_host_is_learned_with_it"),
        (K::Ciphers, CONFIG, "the_users_algorithms_are_the_ones_that_are_used"),
        (K::Compression, CONFIG, "what_is_sent_is_compressed_where_that_is_set"),
        (K::ConnectionAttempts, TCP, "there_are_as_many_attempts_as_are_set"),
        (K::ConnectTimeout, PROXY, "a_command_that_hangs_is_ended_after_the_connect_timeout"),
        (K::ForwardAgent, AGENT, "an_agent_is_forwarded_where_that_is_set_and_nowhere_else"),
        (K::ForwardAgentSocket, AGENT, "an_agent_is_forwarded_where_that_is_set_and_nowhere_else"),
        (
            K::GlobalKnownHostsFile,
            CONFIG,
            "the_systems_file_knows_a_host_as_well_and_is_not_written_to",
        ),
        (K::HashKnownHosts, RULES, "a_hashed_name_is_found_by_longhaul_and_by_ssh_keygen"),
        (K::HostKeyAlgorithms, CONFIG, "the_host_shows_the_key_that_the_user_wants_first"),
        (K::HostKeyAlias, HOST_KEYS, "an_alias_takes_the_place_of_name_and_port"),
        (K::HostName, CONFIG, "two_hops_have_their_own_users_keys_and_host_keys"),
        (K::IdentitiesOnly, LOGIN, "the_agents_other_keys_are_offered_unless_identities_only"),
        (K::IdentityAgent, CONFIG, "an_agent_that_hangs_or_is_dead_keeps_no_key_file_from_working"),
        (K::IdentityFile, LOGIN, "the_next_key_is_tried_after_a_refusal"),
        (K::KbdInteractiveAuthentication, MAPPED, "what_is_said_of_the_login_is_taken"),
        (K::KexAlgorithms, CONFIG, "the_users_algorithms_are_the_ones_that_are_used"),
        (K::KnownHostsCommand, RULES, "a_command_can_know_a_host"),
        (K::MACs, CONFIG, "the_users_algorithms_are_the_ones_that_are_used"),
        (
            K::NumberOfPasswordPrompts,
            CONFIG,
            "a_wrong_passphrase_is_asked_for_as_often_as_is_set_and_no_login_is_tried",
        ),
        (K::PasswordAuthentication, MAPPED, "what_is_said_of_the_login_is_taken"),
        (K::Port, CONFIG, "two_hops_have_their_own_users_keys_and_host_keys"),
        (K::PreferredAuthentications, CONFIG, "keys_are_not_offered_where_they_are_turned_off"),
        (K::ProxyCommand, PROXY, "the_way_is_a_command_and_ends_with_the_link"),
        (K::ProxyJump, CONFIG, "two_hops_have_their_own_users_keys_and_host_keys"),
        (K::ProxyUseFdpass, PROXY, "a_command_may_hand_a_socket_over"),
        (K::PubkeyAcceptedAlgorithms, CONFIG, "a_key_that_is_not_accepted_is_not_offered"),
        (K::PubkeyAuthentication, CONFIG, "keys_are_not_offered_where_they_are_turned_off"),
        (
            K::RekeyInterval,
            MAPPED,
            "lists_of_algorithms_are_kept_in_their_order_as_far_as_there_are_any",
        ),
        (K::RekeyLimit, CONFIG, "new_keys_are_made_as_often_as_is_set"),
        (K::RevokedHostKeys, RULES, "a_key_in_a_list_of_revoked_ones_is_refused_everywhere"),
        (K::SendEnv, MAPPED, "the_environment_goes_along_as_far_as_it_is_asked_for"),
        (K::ServerAliveCountMax, FAULTS, "a_peer_that_falls_silent_is_lost_by_keep_alive"),
        (K::ServerAliveInterval, FAULTS, "a_peer_that_falls_silent_is_lost_by_keep_alive"),
        (K::SetEnv, CONFIG, "the_server_is_told_of_the_environment_and_may_refuse_it"),
        (
            K::StrictHostKeyChecking,
            HOST_KEYS,
            "a_new_host_is_refused_if_so_wished_before_any_key_is_offered",
        ),
        (K::StrictHostKeyChecking, RULES, "a_changed_key_passes_only_where_the_check_is_off"),
        (K::TCPKeepAlive, TCP, "the_system_looks_after_a_connection_unless_it_is_told_not_to"),
        (
            K::UpdateHostKeys,
            RULES,
            "a_known_hosts_other_keys_are_learned_and_those_it_lost_are_forgotten",
        ),
        (
            K::UpdateHostKeys,
            PEOPLE,
            "what_a_host_tells_of_its_keys_is_written_down_after_a_yes_where_that_is_asked",
        ),
        (K::User, CONFIG, "two_hops_have_their_own_users_keys_and_host_keys"),
        (K::UserKnownHostsFile, READ, "what_is_said_of_host_keys_is_taken"),
        (K::VerifyHostKeyDNS, MAPPED, "what_is_not_done_as_ssh_does_it_is_told_with_its_line"),
        (K::CanonicalDomains, CANONICAL, LOOKED_FOR),
        (K::CanonicalizeFallbackLocal, CANONICAL, LOOKED_FOR),
        (K::CanonicalizeHostname, CANONICAL, LOOKED_FOR),
        (K::CanonicalizeMaxDots, CANONICAL, LOOKED_FOR),
        (K::CanonicalizePermittedCNAMEs, CANONICAL, LOOKED_FOR),
        (K::IgnoreUnknown, CORPUS, "every_kept_answer_is_given"),
        (K::RefuseConnection, READ, "what_cannot_be_done_is_refused_with_its_line"),
        (K::Tag, CORPUS, "every_kept_answer_is_given"),
    ]
};

#[test]
fn every_keyword_that_is_done_has_a_test_that_holds_it() {
    for &(keyword, file, name) in HELD {
        let is_there = file.contains(&format!("fn {name}("));
        assert!(is_there, "{}: there is no {name}", keyword.name());
        assert_eq!(standing(keyword).1, Standing::Honoured, "{}", keyword.name());
    }
    for &keyword in Keyword::ALL {
        let is_held = HELD.iter().any(|(held, ..)| *held == keyword);
        assert_eq!(is_held, standing(keyword).1 == Standing::Honoured, "{}", keyword.name());
    }
}
