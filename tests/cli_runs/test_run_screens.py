"""What a person sees: whole screens of real runs."""

from __future__ import annotations

from tests.cli_runs.shop import Shop, plain, screen


def test_a_run_that_reaches_its_goal_shows_each_step_and_the_path(shop: Shop) -> None:
    done = shop.ll("run", "fix")
    assert done.returncode == 0
    assert plain(done.stdout, shop) == screen(
        """
        Running loop: fix
        Max iterations: 20

        [1/20] check (Ns) -> echo testing …
               testing
               1 failed
               (SPAN) exit: 1
               ✗ no
               -> repair
        [2/20] repair (Ns) -> echo repairing "${LL_CAPTURED_TESTS_OUTPUT}"; touch fixed
               repairing testing
               1 failed
               (SPAN)
               -> check
        [3/20] check (Ns) -> echo testing …
               testing
               3 passed
               (SPAN)
               ✓ yes
               -> done

        Loop completed: done (3 iterations, SPAN)
        Path: check → repair → check → done
        Why:  ll-loop explain RUN-fix
        """
    )
    assert done.stderr == ""


def test_a_run_out_of_steps_says_what_failed_why_it_ended_and_how_to_go_on(shop: Shop) -> None:
    done = shop.ll("never", "--quiet")
    assert done.returncode == 1
    assert done.stdout == ""
    assert plain(done.stderr, shop) == screen(
        """
        Loop ended: check (4 iterations, SPAN) [max_iterations]
        Path: (check → repair) ×2 → check

          state   check (step 3, the last that did not go well)
          verdict no · exit code 1
          output  │ FAILED test_a
          errors  │ 1 failed
                  all of it: .loops/runs/RUN-never/output/0003.out
          why     All 4 steps were used before an end was reached; next would have been check.
          next    Allow more steps to go on from there:
                    ll-loop resume RUN-never --max-iterations 8
                  What led here:
                    ll-loop explain RUN-never
        """
    )


def test_a_verdict_without_a_route_names_the_state_and_both_ways_on(shop: Shop) -> None:
    shop.write("noroute", """
        name: noroute
        description: has no way for an error
        initial: a
        scope: [noroute]
        states:
          a: {action: "echo boom; exit 3", on_yes: done, on_no: done}
          done: {terminal: true}
        """)  # fmt: skip
    done = shop.ll("noroute")
    assert done.returncode == 1
    block = plain(done.stdout, shop).partition("\n\nLoop")[2]
    assert "Loop" + block == screen(
        """
        Loop ended: a (1 iteration, SPAN) [error]
        Path: a

          state   a (step 1)
          verdict error · exit code 3
          output  │ boom
                  all of it: .loops/runs/RUN-noroute/output/0001.out
          why     The state a could not go on: no route for verdict 'error'
          next    Remove the cause, then enter a again:
                    ll-loop resume RUN-noroute
                  A resume keeps the definition it began with. After changing the loop:
                    ll-loop run noroute
                  What led here:
                    ll-loop explain RUN-noroute
        """
    )


def test_the_explanation_tells_value_source_verdict_rule_and_counters(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    done = shop.ll("explain", "fix")
    assert done.returncode == 0
    assert plain(done.stdout, shop) == screen(
        """
        RUN-fix  loop fix  completed  3 steps, SPAN
        started DATE TIME

        step 1  check  TIME  SPAN  the first state
          action   echo testing …  [shell]
          result   exit code 1 after SPAN, kept as tests
                   │ testing
                   │ 1 failed
          seen     exit code 1 (the action's exit code)
          verdict  no  by the exit code: 0 yes, 1 no, else error
          next     repair  by on_no
          counters steps 0 → 1 of 20 · check -> repair 0 → 1 of 100

        step 2  repair  TIME  SPAN  from check by on_no
          action   echo repairing "${LL_CAPTURED_TESTS_OUTPUT}"; touch fixed  [shell]
                   LL_CAPTURED_TESTS_OUTPUT = ${captured.tests.output}
          result   exit code 0 after SPAN
                   │ repairing testing
                   │ 1 failed
          next     check  by next
          counters steps 1 → 2 of 20 · repair -> check 0 → 1 of 100

        step 3  check  TIME  SPAN  from repair by next
          action   echo testing …  [shell]
          result   exit code 0 after SPAN, kept as tests
                   │ testing
                   │ 3 passed
          seen     exit code 0 (the action's exit code)
          verdict  yes  by the exit code: 0 yes, 1 no, else error
          next     done  by on_yes
          counters steps 2 → 3 of 20 · check -> done 0 → 1 of 100

        Loop completed: done (3 iterations, SPAN)
        Path: check → repair → check → done
          left    17 of 20 steps
        """
    )


def test_one_step_is_explained_alone_with_its_whole_action(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    text = shop.ll("explain", "fix", "1").stdout
    assert 'test -f fixed && echo "3 passed" || { echo "1 failed"; exit 1; }' in text
    assert "step 2" not in text
    assert "Loop completed" not in text


def test_a_step_that_does_not_exist_is_refused_with_the_number_there_are(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    done = shop.ll("explain", "fix", "9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has 3 steps; there is no step 9" in done.stderr


def test_the_status_of_a_run_that_can_go_on_names_the_command(shop: Shop) -> None:
    shop.ll("never", "--quiet")
    assert plain(shop.ll("status", "never").stdout, shop) == screen(
        """
        Run:            RUN-never
        Loop:           never
        Status:         interrupted
        Current state:  check
        Iteration:      4 of 4
        Started:        DATE TIME
        Updated:        DATE TIME (Ns ago)
        Running time:   SPAN
        Log:            (not found)
        Journal:        .loops/runs/RUN-never/events.jsonl
        Last event:     loop_complete check, 4 iterations [max_iterations]  the limit of 4 steps is reached
        End:            All 4 steps were used before an end was reached; next would have been check.
        Next:           Allow more steps to go on from there: ll-loop resume RUN-never --max-iterations 8
        """
    )


def test_history_lists_runs_and_shows_the_records_of_one(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    assert plain(shop.ll("history").stdout, shop) == "RUN-fix  completed  DATE TIME  3 iters  SPAN"
    assert plain(shop.ll("history", "fix", "latest").stdout, shop) == screen(
        """
        TIME  loop_start        fix
        TIME  state_enter       check (iter 1)
        TIME  action_start      echo testing … [shell]
        TIME  action_complete   ✗ exit=1  SPAN
        TIME  evaluate          ✗ no
        TIME  route             check → repair
        TIME  state_enter       repair (iter 2)
        TIME  action_start      echo repairing "${LL_CAPTURED_TESTS_OUTPUT}"; touch fixed [shell]
        TIME  action_complete   ✓  SPAN
        TIME  route             repair → check
        TIME  state_enter       check (iter 3)
        TIME  action_start      echo testing … [shell]
        TIME  action_complete   ✓  SPAN
        TIME  evaluate          ✓ yes
        TIME  route             check → done
        TIME  loop_complete     done, 3 iterations [terminal]
        """
    )


def test_a_dry_run_shows_the_plan_and_starts_nothing(shop: Shop) -> None:
    done = shop.ll("fix", "--dry-run", "-n", "7")
    assert done.returncode == 0
    assert plain(done.stdout, shop) == screen(
        """
        fix: nothing is started (dry run)
        File:    .loops/fix.yaml
        Limits:  7 steps, 100 times each transition
        Scope:   fix

          state   action                                                  routes
        → check   echo testing …                                          yes → done, no → repair
          repair  echo repairing "${captured.tests.output}"; touch fixed  next → check
          done    end
        """
    )
    assert shop.runs() == []


def test_a_child_loop_is_shown_indented_and_named(shop: Shop) -> None:
    shop.write("parent", """
        name: parent
        description: calls fix
        initial: gate
        scope: [fix]
        states:
          gate: {loop: fix, on_yes: done, on_no: failed}
          done: {terminal: true}
          failed: {terminal: true}
        """)  # fmt: skip
    text = plain(shop.ll("parent").stdout, shop)
    assert (
        screen(
            """
        [1/50] gate (Ns)
          ↳ loop fix
          [1] check (Ns) -> echo testing …
                 testing
        """
        )
        in text
    )
    assert "\n  ↲ done [terminal]\n       -> done\n" in text
    assert "fix ended terminal in done (steps 2 to 4)" in shop.ll("explain", "parent").stdout


def test_a_provider_that_is_busy_is_waited_for_and_the_agent_asked_again(shop: Shop) -> None:
    shop.write("agent", """
        name: agent
        description: asks an agent
        initial: a
        scope: [agent]
        states:
          a: {action: "Repair\\nit.", action_type: prompt, next: done}
          done: {terminal: true}
        """)  # fmt: skip
    (shop.folder / "answers.yaml").write_text(
        "- failure: {kind: rate_limit, status: 429, retry_after: 0.1}\n"
        "- text: done\n"
        "  tools: [{tool: Edit, summary: a file}]\n"
        "  usage: {input_tokens: 1200, output_tokens: 34, cost_usd: 0.5}\n",
        "utf-8",
    )
    done = shop.ll("agent", "--host", "scripted:answers.yaml")
    assert plain(done.stdout, shop) == screen(
        """
        Running loop: agent
        Max iterations: 50

        [1/50] a (Ns) -> ✦ (2 lines)
               Repair
               it.
               (SPAN) exit: 1
               the provider's limit is reached; trying again in 0s
               again (attempt 2) -> ✦ (2 lines)
               Repair
               it.
               ⚙ Edit  a file
               done
               (SPAN)
               -> done

        Loop completed: done (1 iteration, SPAN)
        Path: a → done
        Used: 2 agent calls, 1,234 tokens, $0.5000
        Why:  ll-loop explain RUN-agent
        """
    )
    assert plain(shop.ll("explain", "agent", "1").stdout, shop).partition("\n\n")[2] == screen(
        """
        step 1  a  TIME  SPAN  the first state
          action   Repair  [prompt]
                   it.
          result   exit code 1 after SPAN
          note     the provider's limit: tried again after SPAN
          action 2 Repair …  [prompt]
          result   exit code 0 after SPAN, 1,234 tokens, $0.5000
                   │ done
          next     done  by next
          counters steps 0 → 1 of 50 · a -> done 0 → 1 of 100
        """
    )


def test_a_status_inside_a_child_loop_names_both_states(shop: Shop) -> None:
    shop.write("parent", """
        name: parent
        description: calls waits
        initial: gate
        scope: [parent]
        states:
          gate: {loop: waits, on_yes: done, on_no: done}
          done: {terminal: true}
        """)  # fmt: skip
    run = shop.start("run", "parent")
    shop.until("here")
    text = shop.ll("status", "parent").stdout
    told = shop.json("status", "parent")
    shop.go()
    run.communicate(timeout=30)
    assert "Current state:  gate > a" in text
    assert (told["active_sub_loop"], told["path"], told["current_state"]) == ("waits", ["gate", "a"], "gate")
