//! Pages as news sites and documentation tools write them.

use super::text;

#[test]
fn text_beside_an_article_is_left_out() {
    let long = "A sentence that is long enough to be the text of a page. ".repeat(5);
    let page = |head: &str, html: &str| {
        text(&format!("{head}<body>{}", html.replace("LONG", &format!("<p>{long}</p>"))))
    };
    let text_alone = format!("# Top\n\n{}", long.trim());
    let article = "<meta property=og:type content=article>";
    for beside in [
        "<figure><img><figcaption>The harbour at dusk</figcaption></figure>",
        "<p class=wp-caption-text>The harbour at dusk</p>",
        "<span class=photo-credit>Ann Lee</span>",
        "<p>Read also: <a href=2>Another article with a long title</a></p>",
        "<h3><a href=2>Another article</a></h3>",
        "<div class=teaser><a href=2>Another</a><p>What it is about.</div>",
        "<article><a href=2>Another</a><p>What it is about.</article>",
        "<h2>Most read</h2>",
    ] {
        let html = format!("<main><article><h1>Top</h1>LONG{beside}</article></main>");
        assert_eq!(page(article, &html), text_alone, "{beside}");
        // A page that does not declare itself an article keeps it.
        let words = beside.contains("harbour") || beside.contains("Another");
        assert!(!words || page("", &html).len() > text_alone.len(), "{beside}");
    }
    for head in [
        article,
        "<meta property='article:published_time' content=2024-05-01>",
        "<script type=application/ld+json>{\"@type\": \"NewsArticle\"}</script>",
        "<body class=hentry>",
    ] {
        let html = "<main><article><div><h1>Top</h1>LONG</div><div><p>By Ann, who writes.</div></article></main>";
        assert_eq!(page(head, html), text_alone, "{head}");
    }
    for (inside, expected) in [
        (
            "<figure><img><figcaption>Fig. 2: Depth by month</figcaption></figure>",
            "Fig. 2: Depth by month",
        ),
        ("<p class=teaser>Kelp grows fast.</p>", "Kelp grows fast."),
        ("<p>See <a href=2>this</a> for what it is about.</p>", "See this for what it is about."),
    ] {
        let html = format!("<main><article><h1>Top</h1>{inside}LONG</article></main>");
        let expected = format!("# Top\n\n{expected}\n\n{}", long.trim());
        assert_eq!(page(article, &html), expected, "{inside}");
    }
    let photograph = "<h1>Top</h1>LONG<figcaption>The harbour. Photo: Ann Lee</figcaption>";
    assert_eq!(page("", photograph), text_alone);
}

#[test]
fn pages_of_documentation_tools() {
    for (html, expected) in [
        // mandoc
        (
            "<h1 class=Sh id=N><a class=permalink href=#N>NAME</a></h1><dl><dt><a class=permalink href=#a><code>-a</code></a><dd>All.</dl>",
            "# NAME\n\n-a\n\nAll.",
        ),
        // Sphinx
        ("<h2>Run<a class=headerlink href=#run>¶</a></h2><p>x", "## Run\n\nx"),
        (
            "<dl><dt>os.walk(top)<a href=m><span class=viewcode-link>[source]</span></a><dd>x</dl>",
            "os.walk(top)\n\nx",
        ),
        (
            "<aside class=topic><p class=topic-title>Path</p><p>2, then 3.</aside>",
            "Path\n\n2, then 3.",
        ),
        (
            "<figure><img><figcaption><p><span class=caption-text>The parts.</span></p></figcaption></figure>",
            "The parts.",
        ),
        // pandoc
        ("<figure><img alt=Flow><figcaption aria-hidden=true>Flow</figcaption></figure>", "Flow"),
        ("<p>in 2010<a href=#fn1 class=footnote-ref><sup>1</sup></a>.", "in 2010[1]."),
        // MkDocs
        (
            "<p>Text<sup id=r><a class=footnote-ref href=#n>1</a></sup><ol><li id=n><p>A note.&#160;<a class=footnote-backref href=#r>&#8617;</a></ol>",
            "Text[1]\n\n1. A note.",
        ),
        (
            "<table><tr><td class=linenos><pre>1\n2</pre><td class=code><pre><code>a: 1\nb: 2\n</code></pre></table>",
            "```\na: 1\nb: 2\n```",
        ),
        // Hugo
        (
            "<table><tr><td><pre><code>1\n2\n</code></pre>\n<td><pre><code>a := 1\nb := 2\n</code></pre></table>",
            "```\na := 1\nb := 2\n```",
        ),
        (
            "<pre><code><span><span style='white-space:pre;user-select:none'> 1</span><span>a\n</span></span><span><span style='-webkit-user-select: none; user-select: none'> 2</span><span>  b\n</span></span></code></pre>",
            "```\na\n  b\n```",
        ),
        ("<pre>1\n2</pre>", "```\n1\n2\n```"),
        // MediaWiki
        (
            "<div class=mw-heading><h2>Uses</h2><span class=mw-editsection>[<a href=e>edit</a>]</span></div><p>Food.",
            "## Uses\n\nFood.",
        ),
        (
            "<p>It is large.<sup><a href=#c><span>[</span>1<span>]</span></a></sup><ol><li><span class=mw-cite-backlink><a href=#r>^</a></span> <span>Smith</span></ol>",
            "It is large.[1]\n\n1. Smith",
        ),
        (
            "<p>by <span style='display: none;'><math><semantics><mi>x</mi><annotation encoding=application/x-tex>x^2</annotation></semantics></math></span><img aria-hidden=true> now",
            "by x^2 now",
        ),
        // Confluence
        (
            "<div class=expand-container><span>More</span><div class='expand-content expand-hidden' style='display: none; opacity: 0;'><p>Restart it.</div></div>",
            "More\n\nRestart it.",
        ),
        // Docusaurus
        (
            "<span class=katex><span class=katex-mathml><math><semantics><mi>x</mi><annotation encoding=application/x-tex>x^2</annotation></semantics></math></span><span class=katex-html aria-hidden=true>x2</span></span>",
            "x^2",
        ),
        ("<details><summary>More</summary><div><p>Facts.</div></details>", "More\n\nFacts."),
        // rustdoc
        (
            "<pre><code>struct A<div class=where>where\n    T: Sized,</div>{ }</code></pre>",
            "```\nstruct A\nwhere\n    T: Sized,\n{ }\n```",
        ),
        // Starlight
        (
            "<pre><code><div class=ec-line><div class=code>a</div></div><div class=ec-line><div class=code>  b</div></div></code></pre><button>Copy</button>",
            "```\na\n  b\n```",
        ),
        // The titles of tabs precede their panels.
        (
            "<body><ul role=tablist><li role=tab>npm<li role=tab>yarn</ul><div><div role=tabpanel><pre>npm i</pre></div><div role=tabpanel hidden><pre>yarn</pre></div></div>",
            "npm\n\n```\nnpm i\n```\n\nyarn\n\n```\nyarn\n```",
        ),
        (
            "<div class=tabbed-set><input><div class=tabbed-labels><label>Linux</label><label>macOS</label></div><div class=tabbed-content><div class=tabbed-block><p>apt</p><div><div role=tablist><button role=tab>x</button></div><div role=tabpanel>y</div></div></div><div class=tabbed-block><p>brew</div></div></div>",
            "Linux\n\napt\n\nx\n\ny\n\nmacOS\n\nbrew",
        ),
        (
            "<body><ul role=tablist><li role=tab>a<li role=tab>b</ul><div role=tabpanel>c</div>",
            "- a\n- b\n\nc",
        ),
        // mdBook
        (
            "<h1><a class=header href=#a>Ownership</a></h1><pre><pre><code>let a = 1;</code></pre></pre>",
            "# Ownership\n\n```\nlet a = 1;\n```",
        ),
        // A table in a table, with its caption.
        (
            "<table><tr><td>a<table><caption>Ports</caption><tr><th>k<th>v<tr><td>1<td>2</table><td>b</table>",
            "a\n\nPorts\n\nk: 1 | v: 2\n\nb",
        ),
    ] {
        assert_eq!(text(html), expected, "{html}");
    }
}

#[test]
fn formulas_without_their_source_are_lines() {
    for (inside, expected) in [
        ("<mfrac><mi>a</mi><mi>b</mi></mfrac>", "a/b"),
        (
            "<mfrac>\n <mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>\n <mn>12</mn>\n</mfrac>",
            "(a+b)/12",
        ),
        (
            "<msup><mi>x</mi><mn>2</mn></msup><mo>&InvisibleTimes;</mo><msub><mi>y</mi><mi>i</mi></msub>",
            "x^2y_i",
        ),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>",
            "∑_(i=1)^n",
        ),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "√(x+1)"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "3√x"),
        (
            "<mtable><mtr><mtd>1</mtd><mtd>0</mtd></mtr><mtr><mtd>0</mtd><mtd>1</mtd></mtr></mtable>",
            "1 0; 0 1",
        ),
    ] {
        assert_eq!(text(&format!("<p><math>{inside}</math>")), expected, "{inside}");
    }
}

#[test]
fn what_is_shown_without_scripts_is_text_where_it_holds_most() {
    let long = "A sentence that is long enough to be the text of a page. ".repeat(5);
    let post = format!("<h1>Top</h1><noscript><p>{long}</p></noscript>");
    assert_eq!(text(&post), format!("# Top\n\n{}", long.trim()));
    let request = format!("<noscript>Please enable JavaScript.</noscript><p>{long}</p>");
    assert_eq!(text(&request), long.trim());
}

#[test]
fn marks_of_notes_are_separated_from_the_words_before() {
    for (html, expected) in [
        // Raised by the styles of a book, with the note on the same page or another.
        ("<p>in the harbour<a href=notes.xhtml#n1>1</a> again", "in the harbour[1] again"),
        ("<p>at noon.<a class=ref href=#n12><span class=sup>12</span></a>", "at noon.[12]"),
        ("<p>“Never.”<span class=super><a href=#n2>2</a></span>", "“Never.”[2]"),
        ("<p>1851 <a epub:type=noteref href=#n>3</a>", "1851 [3]"),
        ("<p>1851<a role=doc-noteref href=#n>4</a>", "1851[4]"),
        // Links that are other numbers.
        ("<p>Figure <a href=#f3>3</a>", "Figure 3"),
        ("<p>§<a href=#s2>2</a>, 1.<a href=#s3>3</a> (<a href=#n>1</a>)", "§2, 1.3 (1)"),
        ("<p>Harbours<a href=/page/2>2</a>", "Harbours2"),
        ("<p>in<a href=#y>1851</a>", "in1851"),
    ] {
        assert_eq!(text(html), expected, "{html}");
    }
}

#[test]
fn boxes_of_the_text_are_kept() {
    let text = |aside: &str| {
        text(&format!(
            "<main><h1>Port</h1><p>The harbour opens at nine.</p>\n{aside}\n<p>It closes late.</p></main>"
        ))
    };
    for (aside, is_kept) in [
        ("<aside>Rooks nest here.</aside>", true),
        ("<aside class='box'><p>Rooks nest here.</p></aside>", true),
        ("<aside class='sidebar'>Rooks nest here.</aside>", false),
        ("<aside class='newsletter'>Rooks nest here.</aside>", false),
        ("<aside role='complementary'>Rooks nest here.</aside>", false),
        ("<aside><a href='/a'>Rooks nest here.</a></aside>", false),
    ] {
        assert_eq!(text(aside).contains("Rooks nest here."), is_kept, "{aside}");
    }
    // Not within the text: a column of the page.
    let page = "<body><div><p>The harbour opens at nine, and closes late.</p></div><aside>Rooks.</aside></body>";
    assert!(!super::text(page).contains("Rooks"), "{}", super::text(page));
    // On an article, texts of others are between the paragraphs.
    let article = "<meta property='og:type' content='article'><article><p>The harbour opens at nine.</p><aside>Rooks.</aside></article>";
    assert!(!super::text(article).contains("Rooks"));
}

#[test]
fn pictures_are_read_as_their_alternative_text() {
    for (html, expected) in [
        (
            "<p>One.</p><img alt='A map of the pier'><p>Two.</p>",
            "One.\n\nPicture: A map of the pier\n\nTwo.",
        ),
        ("<p>Press <img alt='the gear'> now.</p>", "Press the gear now."),
        ("<p><img alt='Quay 4'><br>Below.</p>", "Picture: Quay 4\n\nBelow."),
        ("<table><tr><td>a<td><img alt='yes sir'></table>", "a | Picture: yes sir"),
        ("<a href='/large.png?x=1'><img alt='A map'></a>", "Picture: A map"),
        ("<a href='/home'><img alt='A map'></a>x", "x"),
        ("<figure><img alt='A map'><figcaption>A map, 1890.</figcaption></figure>", "A map, 1890."),
        (
            "<figure><img alt='A ship'><figcaption>Oslo, 1890.</figcaption></figure>",
            "Picture: A ship\n\nOslo, 1890.",
        ),
        ("x<img alt=''><img alt='photo.jpg'><img alt='Picture 3'>", "x"),
        (
            "x<img role=presentation alt='A line'><img width=16 alt='An arrow'><img aria-hidden=true alt='A dot'>",
            "x",
        ),
        ("<meta property='og:type' content='article'><p>x</p><img alt='A man in a suit'>", "x"),
    ] {
        assert_eq!(text(html), expected, "{html}");
    }
    let page = super::document(b"<p>one</p>\n\n<img\n alt='A map of it'>\n<p>two</p>").unwrap();
    let lines = super::located(&page);
    assert_eq!(lines[1], ("Picture: A map of it".to_owned(), 4, 4));
}

#[test]
fn base64_is_left_out() {
    let data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ".repeat(40);
    let shown = text(&format!(
        "<p>A plot: data:image/png;base64,{data} of tides.</p>\n<p>{data}</p>\n<p>The end.</p>"
    ));
    assert_eq!(shown, "A plot: of tides.\n\nThe end.");
    // Nor does it make a part of a page its text.
    let long = "A sentence that is long enough to be the text of a page. ".repeat(5);
    let html =
        format!("<main><h1>Top</h1><p>{long}</p></main><div><p>Other.</p><p>{data}</p></div>");
    assert_eq!(text(&html), format!("# Top\n\n{}", long.trim()));
}

#[test]
fn a_short_main_part_stands_for_a_short_page() {
    let around = "<p>Skip to the <a href=#m>content</a></p><aside class=sidebar><h3 class=sidebar-title>Recent</h3>Posts</aside>";
    let main = "<main><h1>tide</h1><p>The height of the water at a time, in metres.</main>";
    let expected = "# tide\n\nThe height of the water at a time, in metres.";
    assert_eq!(text(&format!("{around}{main}")), expected);
    // It does not if most of the page is elsewhere.
    let elsewhere =
        text(&format!("{around}{main}<p>{}</p>", "It was dark in the harbour. ".repeat(6)));
    assert!(elsewhere.contains(expected) && elsewhere.contains("It was dark"), "{elsewhere}");
}

#[test]
fn of_several_articles_the_one_in_the_title_is_the_text() {
    let long = "A sentence that is long enough to be the text of a page. ".repeat(5);
    let article = |name: &str, times: usize| {
        format!(
            "<article><h1>{name}</h1><div><p>{}</div><ul><li><a href=1>{}</a></ul></article>",
            long.repeat(times),
            long
        )
    };
    let all = format!("{}{}{}", article("Kelp", 3), article("Tides", 1), article("Harbours", 9));
    let page = |title: &str| {
        let meta = "<meta property=og:type content=article>";
        text(&format!("<title>{title} - News</title>{meta}<main>{all}</main>"))
    };
    assert_eq!(page("Tides"), format!("# Tides\n\n{}", long.trim()));
    assert_eq!(page("Kelp"), format!("# Kelp\n\n{}", long.repeat(3).trim()));
}

#[test]
fn boxes_of_docutils_and_what_rustdoc_folds() {
    // With this much around it, furniture is left out.
    let long = "A sentence that is long enough to be the text of a page. ".repeat(5);
    for (html, expected) in [
        (
            "<aside class=sidebar><p class=sidebar-title>Tides</p><p>Twice a day.</aside>",
            "Tides\n\nTwice a day.",
        ),
        (
            "<p>x<div class='admonition sidebar'><p class='first sidebar-title'>Tides</p><p>Twice a day.</div>",
            "x\n\nTides\n\nTwice a day.",
        ),
        ("<p>x<aside class=sidebar><h3 class=sidebar-title>Recent</h3><p>Posts</aside>", "x"),
        (
            "<details class='toggle top-doc' open><summary class=hideme><span>Expand description</span></summary><div>Facts.</div></details>",
            "Facts.",
        ),
    ] {
        let expected = format!("{expected}\n\n{}", long.trim());
        assert_eq!(text(&format!("{html}<p>{long}")), expected, "{html}");
    }
}
