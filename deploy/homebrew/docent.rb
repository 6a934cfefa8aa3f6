# ci/formula.sh fills in the repository, the version and the sums of a release.
class Docent < Formula
  desc "Ask your documents, and get answers with citations that were checked"
  homepage "https://github.com/OWNER/docent"
  version "VERSION"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "https://github.com/OWNER/docent/releases/download/vVERSION/docent-aarch64-apple-darwin.tar.gz"
      sha256 "SUM-aarch64-apple-darwin"
    end
    on_intel do
      url "https://github.com/OWNER/docent/releases/download/vVERSION/docent-x86_64-apple-darwin.tar.gz"
      sha256 "SUM-x86_64-apple-darwin"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/OWNER/docent/releases/download/vVERSION/docent-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "SUM-aarch64-unknown-linux-gnu"
    end
    on_intel do
      url "https://github.com/OWNER/docent/releases/download/vVERSION/docent-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "SUM-x86_64-unknown-linux-gnu"
    end
  end

  def install
    bin.install "docent"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/docent.bash" => "docent"
    zsh_completion.install "completions/_docent"
    fish_completion.install "completions/docent.fish"
  end

  test do
    (testpath/"docs/a.md").write "# Ferry\n\nThe ferry to Elba leaves at nine.\n"
    system bin/"docent", "ingest", "docs"
    assert_match "nine", shell_output("#{bin}/docent search 'When does the ferry leave?'")
  end
end
